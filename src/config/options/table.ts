import type { ValueOf, ValueType } from '../parse/value-types.ts';
import { BASTION_OPTIONS } from './bastion-options.ts';
import { ARGUMENTS, CAPTURED_OPTIONS } from './captured-options.ts';
import { PROGRAM_OPTIONS } from './program-options.ts';
import type { ConfigPart, OptionRow } from './row.ts';
import { CAPTURE_OPTIONS, FORWARD_OPTIONS, PROXY_OPTIONS, RUNNING_OPTIONS } from './running-options.ts';

/**
 * Every option of a tunnel, declared here and nowhere else: the command line, profiles and their JSON Schema, help and manual,
 * completion and reload are made from it, and a new one is one row and the code that reads its value.
 *
 * Every start loads it, so it names how values are read ({@link ValueType}) and does not import it.
 */
export const OPTIONS = {
  ...BASTION_OPTIONS,
  ...ARGUMENTS,
  ...CAPTURED_OPTIONS,
  ...PROGRAM_OPTIONS,
  ...CAPTURE_OPTIONS,
  ...FORWARD_OPTIONS,
  ...PROXY_OPTIONS,
  ...RUNNING_OPTIONS,
} as const;

/** The options by the headings of --help, both in its order. */
export const HELP_SECTIONS = [
  ['Bastion:', keysOf(BASTION_OPTIONS)],
  ['What is captured:', keysOf(CAPTURED_OPTIONS)],
  ['Whose is captured (default: all of this machine):', keysOf(PROGRAM_OPTIONS)],
  ['How it is captured:', keysOf(CAPTURE_OPTIONS)],
  ['Fixed ports, which need no root and no SUBNET:', keysOf(FORWARD_OPTIONS)],
  ['Proxies, which need no root and no SUBNET:', keysOf(PROXY_OPTIONS)],
  ['Running:', keysOf(RUNNING_OPTIONS)],
] as const;

type Options = typeof OPTIONS;

/** What the program calls an option. */
export type OptionKey = keyof Options;

/** The options that make a part of the configuration together. */
export type KeyOfPart<P extends ConfigPart> = {
  [K in OptionKey]: Options[K] extends { readonly partOf: P } ? K : never;
}[OptionKey];

/** The protocols that our proxies speak. */
export type ProxyProtocol = KeyOfPart<'proxies'>;

/** A row, without the words of its own in its type. */
export function rowOf(key: OptionKey): OptionRow {
  return OPTIONS[key];
}

/** Every option, in the order of the table. */
export const OPTION_KEYS = keysOf(OPTIONS);

function keysOf(rows: Partial<Options>): readonly OptionKey[] {
  return Object.keys(rows) as OptionKey[];
}

/** The options that make a part of the configuration together. */
export function keysOfPart<P extends ConfigPart>(part: P): ReadonlyArray<KeyOfPart<P>> {
  return OPTION_KEYS.filter((key): key is KeyOfPart<P> => rowOf(key).partOf === part);
}

/** How a command line writes an option: `-r`, `--dns`, `SUBNET`. */
export function nameOf(key: OptionKey): string {
  return OPTIONS[key].flags.split(/[, ]/, 1)[0]!;
}

/** What an option is before it is read, by the kind of its row. */
interface RawByKind {
  readonly flag: boolean;
  readonly count: number;
  readonly list: readonly string[];
  readonly number: string | undefined;
  readonly choice: string | undefined;
  readonly text: string | undefined;
  readonly commas: string | undefined;
  readonly optional: string | true | undefined;
  readonly several: readonly string[] | undefined;
}

type KeyOfKind<Kind extends OptionRow['kind']> = {
  [K in OptionKey]: Options[K]['kind'] extends Kind ? K : never;
}[OptionKey];

type KeyAlwaysThere = KeyOfKind<'flag' | 'count' | 'list'>;

/** A tunnel as text, before anything is checked: what commander makes of a command line, and what a profile says. */
export type RawOptions = { readonly [K in KeyAlwaysThere]: RawByKind[Options[K]['kind']] } & {
  readonly [K in Exclude<OptionKey, KeyAlwaysThere>]?: RawByKind[Options[K]['kind']];
};

/** What there is where nothing is given. */
export const NOTHING_GIVEN = Object.fromEntries(
  OPTION_KEYS.flatMap((key): ReadonlyArray<readonly [OptionKey, RawByKind[keyof RawByKind]]> => {
    const row = rowOf(key);
    if (row.kind === 'flag') return [[key, row.otherwise]];
    if (row.kind === 'count') return [[key, 0]];
    return row.kind === 'list' ? [[key, []]] : [];
  }),
  // Those that are always there, as the type has it.
) as unknown as RawOptions;

type Read<Row> = Row extends { readonly type: infer Type extends ValueType } ? ValueOf<Type> : never;
type Item<Values> = Values extends ReadonlyArray<infer Each> ? Each : Values;
type Choice<Row> = Row extends { readonly choices: readonly (infer Word)[] } ? Word : never;
type OrNothing<Row> = Row extends { readonly otherwise: string } ? never : undefined;

interface ValueByKind<Row> {
  readonly flag: boolean;
  readonly count: number;
  readonly list: ReadonlyArray<Item<Read<Row>>>;
  readonly number: number;
  readonly choice: Choice<Row> | OrNothing<Row>;
  readonly text: Read<Row> | OrNothing<Row>;
  readonly commas: Read<Row> | OrNothing<Row>;
  readonly optional: Read<Row> | true | undefined;
  readonly several: ReadonlyArray<Item<Read<Row>>> | undefined;
}

/** The values of all options, read and within their bounds. */
export type OptionValues = {
  readonly [K in OptionKey]: ValueByKind<Options[K]>[Options[K]['kind']];
};

/** The values that stand in the configuration by themselves. */
export type OwnValues = Omit<OptionValues, KeyOfPart<ConfigPart>>;

interface ProfileByKind<Row> {
  readonly flag: boolean;
  readonly count: number;
  readonly list: readonly string[];
  readonly number: number;
  readonly choice: Choice<Row>;
  readonly text: string;
  readonly commas: readonly string[];
  readonly optional: string | true;
  readonly several: string | readonly string[];
}

type ProfileKeyOf<Row> = Row extends { readonly profile: { readonly key: infer Key extends string } }
  ? Key
  : never;

/** A profile as it is written. */
export type ProfileOptions = {
  readonly [K in OptionKey as ProfileKeyOf<Options[K]>]?: ProfileByKind<Options[K]>[Options[K]['kind']];
} & { readonly remote: string | readonly string[] };
