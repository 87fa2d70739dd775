import { lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { messageOf, systemCodeOf } from '../../../core/errors.ts';
import { type CgroupMount, cgroupMount } from '../../../net/machine/cgroup/cgroup-mount.ts';
import { isCgroupPath } from '../../rules/program-match.ts';
import { CALLER_ID, isProcessOf } from '../caller.ts';
import { RefusedError } from '../drivers/backend/rule-backend.ts';
import { judgeInstance, thisInstanceText } from '../drivers/backend/this-instance.ts';
import { log } from '../helper-log.ts';

/** A control group of ours with one process of the caller's, and all that this starts. */
export interface Enclosure {
  /** From the root of cgroup2, without a slash before it. */
  readonly cgroup: string;
  /** Lets go of what is still in it, and removes it; tells the client's log when it cannot be removed. */
  remove(): void;
}

/** What is known of the machine; tests put their own here. */
export interface EnclosureSurroundings {
  readonly findMount: () => CgroupMount | undefined;
  readonly readProcess: (pid: number, file: 'status' | 'cgroup') => string;
  readonly callerId: number;
  readonly instance: string;
}

const HERE: EnclosureSurroundings = {
  findMount: cgroupMount,
  readProcess: (pid, file) => readFileSync(`/proc/${pid}/${file}`, 'utf8'),
  callerId: CALLER_ID,
  instance: thisInstanceText(),
};

const NAME = /^tshuttle-\d{1,10}-(\d+-\d+-\d+)$/;

/**
 * Puts a process of the caller's into a control group of its own, below the one that it is in: so the limits that hold for it, hold on,
 * and what is left when we are killed goes with the unit of systemd that it is in.
 *
 * @throws RefusedError when it is not the caller's process, or the machine has no control groups that can be used so
 */
export function enclose(pid: number, surroundings: EnclosureSurroundings = HERE): Enclosure {
  const { findMount, callerId, instance } = surroundings;
  const mount = findMount();
  if (mount === undefined)
    throw new RefusedError(
      'cgroup2 is not mounted below /sys/fs/cgroup, so no program can be told from others',
    );
  const parent = cgroupOfCaller(pid, surroundings);
  const cgroup = `${parent}tshuttle-${callerId}-${instance}`;
  if (!isCgroupPath(cgroup))
    throw new RefusedError('the control group of the command has a name that no rule can have');
  const path = `${mount.path}/${cgroup}`;
  try {
    mkdirSync(path, { mode: 0o755 });
  } catch (error) {
    throw new RefusedError(`no control group can be made for the command: ${messageOf(error)}`, {
      cause: error,
    });
  }
  try {
    writeFileSync(`${path}/cgroup.procs`, `${pid}`);
    // The kernel takes a number, which may have become another process's since we asked whose it is.
    mustBeOfCaller(pid, surroundings);
  } catch (error) {
    // To the root: a group of the caller's own is his to freeze and to kill, with whatever is in it.
    removeOrTell(path, mount.path);
    throw new RefusedError(`the command cannot be put into a control group: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return { cgroup, remove: () => removeOrTell(path, dirname(path)) };
}

function removeOrTell(path: string, heir: string): void {
  try {
    removeEnclosure(path, heir);
  } catch (error) {
    log('warn', `the control group ${path} stays until tshuttle cleanup: ${messageOf(error)}`);
  }
}

/** @throws RefusedError when it is not */
function mustBeOfCaller(pid: number, { readProcess, callerId }: EnclosureSurroundings): void {
  const status = readOf(() => readProcess(pid, 'status'));
  // Root may choose whichever; nobody else another's, or one that became another's.
  if (callerId !== 0 && !isProcessOf(callerId, status))
    throw new RefusedError('it is not a process of the user who asks');
}

function readOf(read: () => string): string {
  try {
    return read();
  } catch (error) {
    throw new RefusedError('there is no such process', { cause: error });
  }
}

/** The control group that a process is in, as the beginning of the path of one below it. @throws RefusedError */
function cgroupOfCaller(pid: number, surroundings: EnclosureSurroundings): string {
  mustBeOfCaller(pid, surroundings);
  const groups = readOf(() => surroundings.readProcess(pid, 'cgroup'));
  const path = /^0::\/(.*)$/m.exec(groups)?.[1];
  if (path === undefined || path.startsWith('..'))
    throw new RefusedError('the command is in no control group of cgroup2 that can be seen from here');
  return path === '' ? '' : `${path}/`;
}

/** A fork between reading and moving leaves one more. */
const MAX_ROUNDS = 20;

/** @param heir the control group that takes what is still in it */
function removeEnclosure(path: string, heir: string): void {
  for (let round = 1; ; round += 1) {
    try {
      // Nothing is captured any more when this is done: what the command has left running goes direct, as it would in any case.
      for (const pid of readFileSync(`${path}/cgroup.procs`, 'utf8').split('\n').filter(Boolean))
        moveProcess(pid, heir);
      rmdirSync(path);
      return;
    } catch (error) {
      const code = systemCodeOf(error);
      // Whoever stops the unit that it is in, as systemd does, removes it, too.
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || round === MAX_ROUNDS) throw error;
    }
  }
}

function moveProcess(pid: string, cgroup: string): void {
  try {
    writeFileSync(`${cgroup}/cgroup.procs`, pid);
  } catch (error) {
    if (systemCodeOf(error) !== 'ESRCH') throw error;
  }
}

/** What a search for what killed instances have left found. */
interface LeftEnclosures {
  readonly removed: readonly string[];
  /** A command still runs in them. */
  readonly kept: readonly string[];
}

/** So many folders are looked at: a machine with a thousand containers has about ten thousand. */
const MAX_FOLDERS = 50_000;

/**
 * Removes the control groups of instances that have died, once nothing runs in them. Those that are in use stay. Never throws.
 *
 * They can be below any group that a command was started in. Most groups have none below them, which the kernel tells by a count, so that
 * neither they nor their files, 20 to 100 of each, are looked at.
 */
export function removeLeftEnclosures(
  findMount: EnclosureSurroundings['findMount'] = cgroupMount,
  listFolder: (path: string) => readonly string[] = foldersIn,
): LeftEnclosures {
  const removed: string[] = [];
  const kept: string[] = [];
  const root = findMount()?.path;
  const folders = root === undefined ? [] : foldersBelow(root, listFolder);
  // The deepest first: what runs in one of ours may have had a command captured, too.
  for (const path of folders.toReversed()) {
    const instance = NAME.exec(basename(path))?.[1];
    if (instance === undefined || judgeInstance(instance) !== 'dead' || !isOfRoot(path)) continue;
    (isRemoved(path) ? removed : kept).push(`control group ${path}`);
  }
  return { removed, kept };
}

function foldersBelow(root: string, listFolder: (path: string) => readonly string[]): readonly string[] {
  const folders = [root];
  const unseen = [root];
  for (let index = 0; index < unseen.length && folders.length < MAX_FOLDERS; index += 1) {
    const folder = unseen[index]!;
    if (isLeaf(folder)) continue;
    const below = listFolder(folder).map((name) => `${folder}/${name}`);
    folders.push(...below);
    // Where there are no more than these, none of them has one.
    if (countBelow(folder) !== below.length) unseen.push(...below);
  }
  return folders;
}

/** A folder and its own name for itself; each folder in it has one more for it. Where a file system does not count, it is 1. */
const LINKS_OF_A_LEAF = 2;

function isLeaf(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.nlink === LINKS_OF_A_LEAF;
  } catch {
    return false;
  }
}

/** How many control groups there are below one, at any depth; undefined where the kernel does not tell (before Linux 4.14). */
function countBelow(path: string): number | undefined {
  try {
    const count = /^nr_descendants (\d+)$/m.exec(readFileSync(`${path}/cgroup.stat`, 'latin1'))?.[1];
    return count === undefined ? undefined : Number(count);
  } catch {
    return undefined;
  }
}

/** A user can make control groups of any name below those that systemd gave to him. Told of, they could fill the report that every start waits for. */
function isOfRoot(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.uid === process.geteuid?.();
}

function foldersIn(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}

function isRemoved(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}
