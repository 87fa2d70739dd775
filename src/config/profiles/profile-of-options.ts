import { isDeepStrictEqual } from 'node:util';
import type { Problem } from '../../core/problem.ts';
import { placeOnCommandLine } from '../options/place.ts';
import type { OptionRow } from '../options/row.ts';
import {
  NOTHING_GIVEN,
  OPTION_KEYS,
  type OptionKey,
  type ProfileOptions,
  type RawOptions,
  rowOf,
} from '../options/table.ts';
import type { ToAbsolute } from '../parse/files/named-files.ts';
import { withAbsolutePaths } from '../parse/files/ssh-option-paths.ts';
import { Invalid } from '../parse/invalid.ts';
import { parseRemote } from '../parse/remote.ts';
import { readSshCommand } from '../parse/ssh-command.ts';
import { parseUpstreamProxy } from '../parse/upstream-proxy.ts';
import type { ValueType } from '../parse/value-types.ts';

/** Keys of a profile and what they are to hold, as YAML has it; or why these options cannot be one. */
export type OptionsAsProfile =
  | { readonly kind: 'profile'; readonly values: ProfileOptions }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/** How the process runs is up to who starts it: a profile says nothing of it. */
const OF_THE_START: ReadonlySet<OptionKey> = new Set<OptionKey>(['daemon', 'dryRun', 'saveAs']);

/** Paths on a command line begin in the folder of the user, those of a profile in that of its file. */
const PATHS_IN: Partial<Record<ValueType, (text: string, toAbsolute: ToAbsolute) => string>> = {
  path: (text, toAbsolute) => toAbsolute(text),
  readableFile: (text, toAbsolute) => toAbsolute(text),
  loginFile: (text, toAbsolute) => toAbsolute(text),
  subnetFile: (text, toAbsolute) => toAbsolute(text),
  excludeFile: (text, toAbsolute) => toAbsolute(text),
  sshConfig: (text, toAbsolute) => (text === 'none' ? text : toAbsolute(text)),
  catalog: (text, toAbsolute) => (text === 'cli' ? text : toAbsolute(text)),
  sshOption: withAbsolutePaths,
  sshCommand: withAbsoluteWords,
  // The unix socket to listen at, which stands first.
  forward: (text, toAbsolute) =>
    text.replace(/^[^:[\\]*\/[^:\\]*(?=:)/, (path) => (path.startsWith('/') ? path : toAbsolute(path))),
};

/**
 * Makes a profile of the options of a command line: what was given, and nothing else. The other way round is `configOfProfile`.
 *
 * @param toAbsolute by the folder that the command line was typed in
 */
export function profileOfOptions(raw: RawOptions, toAbsolute: ToAbsolute): OptionsAsProfile {
  const problems: Problem[] = [];
  const entries: Array<readonly [key: string, value: unknown]> = [];
  for (const option of OPTION_KEYS) {
    const given = raw[option];
    if (given === undefined || isNothing(option, given) || OF_THE_START.has(option)) continue;
    const row = rowOf(option);
    problems.push(...problemsOf(option, row, [given].flat()));
    if (row.profile !== undefined) entries.push([row.profile.key, written(given, row, toAbsolute)]);
  }
  if (problems.length > 0) return { kind: 'problems', problems };
  // Each by the row of its key, which the type is made from.
  return { kind: 'profile', values: Object.fromEntries(entries) as unknown as ProfileOptions };
}

type Given = NonNullable<RawOptions[OptionKey]>;

function isNothing(option: OptionKey, given: Given): boolean {
  return given === NOTHING_GIVEN[option] || (Array.isArray(given) && given.length === 0);
}

function problemsOf(
  option: OptionKey,
  row: OptionRow,
  values: ReadonlyArray<string | number | boolean>,
): readonly Problem[] {
  const at = (what: string, value?: string): Problem => ({ where: placeOnCommandLine(option, value), what });
  if (row.profile === undefined)
    return [at('does not belong in a profile, which goes by its name; leave it out to save the rest')];
  const texts = values.filter((value) => typeof value === 'string');
  return texts.flatMap((text): readonly Problem[] => {
    if ('mayBeInput' in row && text === '-')
      return [at('is standard input, which a profile cannot read; name a file', text)];
    return hasPassword(row, text)
      ? [at('has a password, which does not belong in a file; leave it out to be asked for it', text)]
      : [];
  });
}

function hasPassword(row: OptionRow, text: string): boolean {
  const type = 'type' in row ? row.type : undefined;
  if (type !== 'bastion' && type !== 'upstreamProxy') return false;
  const parsed = type === 'bastion' ? parseRemote(text) : parseUpstreamProxy(text);
  return !(parsed instanceof Invalid) && parsed.password !== undefined;
}

function written(given: Given, row: OptionRow, toAbsolute: ToAbsolute): unknown {
  const text = (one: string): string => {
    const rewrite = 'type' in row ? PATHS_IN[row.type] : undefined;
    return rewrite === undefined ? one : rewrite(one, toAbsolute);
  };
  if (typeof given === 'object') {
    const all = given.map(text);
    return row.kind === 'several' && all.length === 1 ? all[0] : all;
  }
  if (row.kind === 'count') return Math.min(Number(given), row.most);
  if (typeof given !== 'string') return given;
  if (row.kind === 'number') return Number(given);
  return row.kind === 'commas' ? given.split(',') : text(given);
}

/** A command of several words: what is no path stays as it was written. */
function withAbsoluteWords(text: string, toAbsolute: ToAbsolute): string {
  const wrong = (): undefined => undefined;
  const asWritten = readSshCommand(text, { toAbsolute: (path) => path, wrong });
  const words = readSshCommand(text, { toAbsolute, wrong });
  if (words === undefined || isDeepStrictEqual(words, asWritten)) return text;
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
