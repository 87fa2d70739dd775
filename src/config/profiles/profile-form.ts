import type { OptionRow } from '../options/row.ts';
import { OPTION_KEYS, type ProfileOptions, rowOf } from '../options/table.ts';
import { closestOf } from './closest.ts';

/** What leads from a value to one inside it: the key of a mapping, the index of a list. */
export type Key = string | number;

/**
 * Told what is wrong with a file.
 *
 * @param part whether the key is meant that the path leads to, or its value
 */
export type ReportForm = (path: readonly Key[], part: 'key' | 'value', what: string) => void;

/** Profiles in one file; beyond this it is not written by people. */
export const MAX_PROFILES = 200;

/** What a profile may be called. */
export const PROFILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** A newline in an option of ssh would begin another one. */
export const PRINTABLE_TEXT = /^\P{Cc}*$/u;

type ProfileRow = OptionRow & { readonly profile: NonNullable<OptionRow['profile']> };

/** The rows of the options that a profile may have, by the keys that it has for them. */
export const PROFILE_ROWS: ReadonlyMap<string, ProfileRow> = new Map(
  OPTION_KEYS.map(rowOf)
    .filter((row): row is ProfileRow => row.profile !== undefined)
    .map((row) => [row.profile.key, row]),
);

/** Checks `profiles:` of a file: all of it, whatever is wrong. */
export function checkProfiles(
  profiles: Readonly<Record<string, unknown>>,
  report: ReportForm,
): ReadonlyMap<string, ProfileOptions> {
  const entries = Object.entries(profiles);
  if (entries.length > MAX_PROFILES)
    report(['profiles'], 'value', `profiles has more than ${MAX_PROFILES} profiles`);
  for (const [name, profile] of entries) {
    const path = ['profiles', name];
    if (!PROFILE_NAME.test(name)) {
      const what = 'is not a name: letters, digits, dot, dash and underscore, 63 at most';
      report(path, 'key', `${name} ${what}`);
    }
    if (isMapping(profile)) checkProfile(name, profile, report);
    else report(path, 'value', `${name} must hold the options of a profile`);
  }
  // Each of the form that its rows say, which the type is made from; else something was told, and nobody uses them.
  return new Map(entries) as ReadonlyMap<string, ProfileOptions>;
}

function checkProfile(name: string, profile: Readonly<Record<string, unknown>>, report: ReportForm): void {
  for (const key of Object.keys(profile).filter((one) => !PROFILE_ROWS.has(one))) {
    const meant = closestOf(key.replaceAll('-', '_'), [...PROFILE_ROWS.keys()]);
    const suggestion = meant === undefined ? '' : `; perhaps ${meant}`;
    report(['profiles', name, key], 'key', `${key} is not an option of a profile${suggestion}`);
  }
  for (const [key, row] of PROFILE_ROWS) {
    const path = ['profiles', name, key];
    const value = profile[key];
    if (value !== undefined) {
      for (const { item, what } of faultsOf(value, row))
        report(item === undefined ? path : [...path, item], 'value', `${key} ${what}`);
    } else if ('required' in row) report(path.slice(0, -1), 'key', `${name} has no ${key}`);
  }
}

/** What is wrong with a value, or with an item of it. */
interface Fault {
  readonly item?: number;
  readonly what: string;
}

function faultsOf(value: unknown, row: OptionRow): readonly Fault[] {
  const unless = (isRight: boolean, what: string): readonly Fault[] => (isRight ? [] : [{ what }]);
  switch (row.kind) {
    case 'flag':
      return unless(typeof value === 'boolean', 'must be true or false');
    case 'count':
    case 'number': {
      const least = row.kind === 'count' ? 0 : row.least;
      const isWithin = Number.isInteger(value) && Number(value) >= least && Number(value) <= row.most;
      return unless(isWithin, `must be a whole number from ${least} to ${row.most}`);
    }
    case 'choice':
      return unless(
        row.choices.some((choice) => choice === value),
        `must be one of ${row.choices.join(', ')}`,
      );
    case 'text':
      return textFaults(value, 'must be text; put it in quotes');
    case 'optional':
      return value === true ? [] : textFaults(value, 'must be text or true; put text in quotes');
    case 'several':
      return Array.isArray(value) && value.length > 0
        ? faultsOf(value, { ...row, kind: 'list' })
        : textFaults(value, 'must be text, or a list with at least one; put text in quotes');
    case 'list':
    case 'commas':
      return Array.isArray(value)
        ? value.flatMap((one: unknown, item) =>
            textFaults(one, 'must be text; put it in quotes').map((fault) => ({ ...fault, item })),
          )
        : [{ what: 'must be a list, as in [one, two], or each on a line of its own after a dash' }];
  }
}

function textFaults(value: unknown, otherwise: string): readonly Fault[] {
  if (typeof value !== 'string') return [{ what: otherwise }];
  if (value === '') return [{ what: 'is empty' }];
  return PRINTABLE_TEXT.test(value) ? [] : [{ what: 'has a control character in it' }];
}

/** Whether it holds values by their names. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
