import { MAX_PROGRAM_MATCHES, type ProgramMatch, programMatches } from '../intercept/rules/program-match.ts';
import type { ReadContext } from './options/read-options.ts';
import type { OptionValues } from './options/table.ts';

/** Programs whose connections alone are captured. */
export interface ProgramsOption {
  readonly matches: readonly ProgramMatch[];
  /** For people, and for comparing: `user alice in system.slice`. */
  readonly description: string;
}

/** The programs that `--user`, `--group` and `--cgroup` choose; undefined where nothing is chosen. */
export function programsOf(
  { users, groups, cgroups }: OptionValues,
  { findings }: ReadContext,
): ProgramsOption | undefined {
  const ids = (accounts: ReadonlyArray<{ readonly id: number }>) => unique(accounts.map(({ id }) => id));
  const matches = programMatches({ userIds: ids(users), groupIds: ids(groups), cgroups: unique(cgroups) });
  if (matches === null) return undefined;
  if (matches.length > MAX_PROGRAM_MATCHES) {
    const what = `make ${matches.length} combinations, and ${MAX_PROGRAM_MATCHES} are possible; name fewer`;
    findings.wrong('--user, --group, --cgroup', what);
  }
  const names = (accounts: ReadonlyArray<{ readonly name: string }>) => accounts.map(({ name }) => name);
  const description = [
    ...listed('user', names(users)),
    ...listed('group', names(groups)),
    ...listed('control group', cgroups),
  ].join(', ');
  return { matches, description };
}

function listed(kind: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`${kind} ${unique(names).join(' or ')}`];
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
