import { type AccountKind, accountId } from '../../core/accounts.ts';
import { isCgroupPath, MAX_ACCOUNT_ID } from '../../intercept/rules/program-match.ts';

/** A user or group of this machine. */
export interface Account {
  /** As it was written. */
  readonly name: string;
  readonly id: number;
}

/** Told what is wrong with a value. */
interface Report {
  wrong(what: string): undefined;
}

/** Reads a user or group, by its name on this machine or its number. */
export function readAccount(
  kind: AccountKind,
  text: string,
  { wrong }: Report,
  idOf = accountId,
): Account | undefined {
  if (/^\d+$/.test(text)) {
    const id = Number(text);
    return id <= MAX_ACCOUNT_ID ? { name: text, id } : wrong(`is not a number from 0 to ${MAX_ACCOUNT_ID}`);
  }
  const id = idOf(kind, text);
  return id === undefined ? wrong(`is no ${kind} of this machine`) : { name: text, id };
}

/** As `ip netns` takes them, without what a path or an option could be. */
export function readNamespaceName(text: string, { wrong }: Report): string | undefined {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(text)
    ? text
    : wrong('is not the name of a network namespace: letters, digits, _, . and -');
}

/** The most that Linux counts to (proc(5), pid_max). */
const MAX_PROCESS_ID = 2 ** 22;

/** Reads a process id. */
export function readProcessId(text: string, { wrong }: Report): number | undefined {
  const pid = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  return pid >= 1 && pid <= MAX_PROCESS_ID ? pid : wrong('is not the number of a process');
}

/**
 * Reads a control group: a path from the root of cgroup2, or as /sys/fs/cgroup has it; a slice of systemd, whose name says where it
 * is (systemd.slice(5)); or a unit of the system.
 */
export function readCgroup(text: string, { wrong }: Report): string | undefined {
  const path = text.replace(/^\/sys\/fs\/cgroup\/(?:unified\/)?/, '').replace(/^\/+|\/+$/g, '');
  if (path === '') return wrong('is the root of all control groups, in which everything is: leave it out');
  const isCgroup = isCgroupPath(path);
  if (!isCgroup) return wrong('is not the path of a control group, as in system.slice/backup.service');
  if (path.includes('/')) return path;
  if (path.endsWith('.slice')) return pathOfSlice(path);
  return /\.(?:service|scope|socket|mount)$/.test(path) ? `system.slice/${path}` : path;
}

/** `a.slice/a-b.slice` of `a-b.slice`. */
function pathOfSlice(name: string): string {
  const words = name.slice(0, -'.slice'.length).split('-');
  if (words.some((word) => word === '')) return name;
  return words.map((_, index) => `${words.slice(0, index + 1).join('-')}.slice`).join('/');
}
