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
