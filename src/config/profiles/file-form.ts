import type { ProfileOptions } from '../options/table.ts';
import { checkGates, GATE_SECTIONS, type WrittenGate, type WrittenTarget } from './gate-form.ts';
import { checkProfiles, isMapping, type ReportForm } from './profile-form.ts';

/** What one file says, as it is written. */
export interface WrittenFile {
  readonly profiles: ReadonlyMap<string, ProfileOptions>;
  readonly gates: ReadonlyMap<string, WrittenGate>;
  readonly targets: ReadonlyMap<string, WrittenTarget>;
}

/** A file that says nothing. */
export const EMPTY_FILE: WrittenFile = { profiles: new Map(), gates: new Map(), targets: new Map() };

/** The sections that a file may have. */
const SECTIONS: readonly string[] = ['profiles', ...Object.keys(GATE_SECTIONS)];

/** Checks that `config.yaml` or `.tshuttle.yaml` has the form of one: all of it, whatever is wrong. */
export function checkProfileFile(data: unknown, report: ReportForm): WrittenFile {
  if (!isMapping(data)) {
    report([], 'value', 'has no `profiles:`');
    return EMPTY_FILE;
  }
  for (const key of Object.keys(data).filter((one) => !SECTIONS.includes(one)))
    report([key], 'key', `${key} is not known here; profiles stand below \`profiles:\``);
  return { profiles: profilesIn(data, report), ...checkGates(data, report) };
}

function profilesIn(data: Readonly<Record<string, unknown>>, report: ReportForm): WrittenFile['profiles'] {
  const { profiles } = data;
  const hasOthers = Object.keys(GATE_SECTIONS).some((section) => data[section] !== undefined);
  if (profiles === undefined) {
    if (!hasOthers) report([], 'key', 'has no `profiles:`');
  } else if (!isMapping(profiles))
    report(['profiles'], 'value', 'profiles must hold profiles by their names');
  else return checkProfiles(profiles, report);
  return new Map();
}
