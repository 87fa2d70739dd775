import {
  GrammarError,
  readInteger,
  readList,
  readObject,
  readText,
} from '../../../net/messages/field-reader.ts';
import {
  isCgroupPath,
  MAX_ACCOUNT_ID,
  MAX_PROGRAM_MATCHES,
  type ProgramMatch,
} from '../../rules/program-match.ts';

/** Takes `value` as programs that are captured, each by something. */
export function readProgramMatches(value: unknown, where: string): ProgramMatch[] {
  return readList(value, where, MAX_PROGRAM_MATCHES, readProgramMatch);
}

function readProgramMatch(value: unknown, where: string): ProgramMatch {
  const fields = readObject(value, where, ['userId', 'groupId', 'cgroup']);
  const match = {
    userId: orNull(fields['userId'], (id) => readAccountId(id, `${where}.userId`)),
    groupId: orNull(fields['groupId'], (id) => readAccountId(id, `${where}.groupId`)),
    cgroup: orNull(fields['cgroup'], (path) => readCgroup(path, `${where}.cgroup`)),
  };
  if (match.userId === null && match.groupId === null && match.cgroup === null)
    throw new GrammarError(`${where} matches every program`);
  return match;
}

function orNull<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null ? null : read(value);
}

function readAccountId(value: unknown, where: string): number {
  return readInteger(value, where, 0, MAX_ACCOUNT_ID);
}

/** Takes `value` as a path that leads down from the root of the control groups. */
function readCgroup(value: unknown, where: string): string {
  const path = readText(value, where, 4_096);
  if (!isCgroupPath(path)) throw new GrammarError(`${where} is not the path of a control group`);
  return path;
}
