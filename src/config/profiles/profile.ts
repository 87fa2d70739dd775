import type { Problem } from '../../core/problem.ts';
import type { Config } from '../config.ts';
import type { Locate } from '../options/place.ts';
import type { OptionRow } from '../options/row.ts';
import {
  NOTHING_GIVEN,
  nameOf,
  OPTION_KEYS,
  type OptionKey,
  type ProfileOptions,
  type RawOptions,
  rowOf,
} from '../options/table.ts';
import { Invalid } from '../parse/invalid.ts';
import { parseRemote, withoutPassword } from '../parse/remote.ts';
import { parseUpstreamProxy } from '../parse/upstream-proxy.ts';
import { type ConfigSurroundings, parseConfig } from '../parse-config.ts';
import type { Target } from './load-gates.ts';
import { byPlace } from './profile-document.ts';
import { PROFILE_ROWS } from './profile-form.ts';
import { type Origin, projectProblems } from './project-restrictions.ts';
import { withTarget } from './target-options.ts';

/** The profile as options of a command line, for a tunnel in the background. */
function rawOptionsOf(profile: ProfileOptions): RawOptions {
  const given = OPTION_KEYS.flatMap((option) => {
    const row = rowOf(option);
    const value = row.profile === undefined ? undefined : valueIn(profile, row.profile.key);
    return value === undefined ? [] : [[option, rawValueOf(value, row)] as const];
  });
  return { ...NOTHING_GIVEN, ...Object.fromEntries(given), daemon: true };
}

type ProfileValue = ProfileOptions[keyof ProfileOptions];

/** Keys of a profile are those of the rows, which the type is made from. */
function valueIn(profile: ProfileOptions, key: string): ProfileValue {
  return profile[key as keyof ProfileOptions];
}

function rawValueOf(value: NonNullable<ProfileValue>, row: OptionRow): RawOptions[OptionKey] {
  const mayBeInput = 'mayBeInput' in row;
  if (typeof value === 'number') return row.kind === 'count' ? value : String(value);
  if (row.kind === 'several' && typeof value === 'string') return [value];
  if (typeof value !== 'object') return mayBeInput && value === '-' ? undefined : value;
  const items = mayBeInput ? value.filter((item) => item !== '-') : value;
  return row.kind === 'commas' ? items.join(',') : items;
}

/** Where a key of a profile stands, or one of its items. */
type PlaceInFile = (path: ReadonlyArray<string | number>) => string;

/** A profile, or all that is wrong with it. */
export type ProfileConfig =
  | {
      readonly kind: 'config';
      readonly config: Config;
      /** The same as options of a command line. */
      readonly raw: RawOptions;
      readonly warnings: readonly Problem[];
    }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/**
 * Turns a profile into what the same options on a command line come to.
 *
 * @param locate where a key of the profile stands, or one of its items
 * @param surroundings whose `workingDirectory` is the folder of the file
 */
export function configOfProfile(
  profile: ProfileOptions,
  origin: Origin,
  locate: PlaceInFile,
  {
    targets,
    ...surroundings
  }: Omit<ConfigSurroundings, 'locate'> & {
    /** What the bastion may be beside an ssh server. */
    readonly targets: ReadonlyMap<string, Target>;
  },
): ProfileConfig {
  const problems = [
    ...secretProblems(profile, locate),
    ...inputProblems(profile, locate),
    ...(origin === 'project' ? projectProblems(profile, locate) : []),
  ];
  const raw = withTarget(rawOptionsOf(profile), targets);
  const result = parseConfig(raw, { ...surroundings, locate: placesOf(profile, locate) });
  if (result.kind === 'problems') problems.push(...result.problems);
  return problems.length > 0 || result.kind === 'problems'
    ? { kind: 'problems', problems: problems.sort(byPlace) }
    : { ...result, raw };
}

/** A key, and an item of it where that is known by its text. */
function placesOf(profile: ProfileOptions, locate: PlaceInFile): Locate {
  return (option, text) => {
    const key = rowOf(option).profile?.key;
    if (key === undefined) return `${locate([])} ${nameOf(option)}`;
    const value = valueIn(profile, key);
    const index = typeof value === 'object' && text !== undefined ? value.indexOf(text) : -1;
    const shown = text === undefined ? '' : ` ${withoutPassword(text)}`;
    return `${locate(index < 0 ? [key] : [key, index])} ${key}${shown}`;
  };
}

function secretProblems({ remote, upstream_proxy: proxy }: ProfileOptions, locate: PlaceInFile): Problem[] {
  const problems: Problem[] = [];
  const passwordOf = (parsed: { readonly password: string | undefined } | Invalid): string | undefined =>
    parsed instanceof Invalid ? undefined : parsed.password;
  if ([remote].flat().some((one) => passwordOf(parseRemote(one)) !== undefined)) {
    const what = 'has a password, which does not belong in a file; leave it out to be asked for it';
    problems.push({ where: `${locate(['remote'])} remote`, what });
  }
  if (proxy !== undefined && passwordOf(parseUpstreamProxy(proxy)) !== undefined) {
    const what =
      'has a password, which does not belong in a file; on a command line TSHUTTLE_ARGS can hold it';
    problems.push({ where: `${locate(['upstream_proxy'])} upstream_proxy`, what });
  }
  return problems;
}

function inputProblems(profile: ProfileOptions, locate: PlaceInFile): Problem[] {
  const what = 'is standard input, which a profile cannot read; name a file';
  return [...PROFILE_ROWS].flatMap(([key, row]): Problem[] => {
    const value = 'mayBeInput' in row ? valueIn(profile, key) : undefined;
    if (value === '-') return [{ where: `${locate([key])} ${key} -`, what }];
    const index = typeof value === 'object' ? value.indexOf('-') : -1;
    return index < 0 ? [] : [{ where: `${locate([key, index])} ${key} -`, what }];
  });
}
