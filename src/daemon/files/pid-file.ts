import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { uptime } from 'node:os';
import { basename } from 'node:path';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { isNullDevice, openRegularFile, readDescriptor } from '../../core/files/regular-file.ts';

/** No process id is so long, in bytes. */
const MAX_FILE_BYTES = 4_096;

/** How often a dead daemon's file is cleared away when others start at the same moment. */
const CLAIM_ATTEMPTS = 8;

/**
 * The file that tells a daemon's process id, and that there is one: its owner keeps it open for as long as it lives.
 *
 * That makes a file left by a dead process certain to recognise, also when its process id has been given to another one:
 * nobody has it open (native-notes/daemonise.md). Only Linux tells that; elsewhere it is the other one when that is younger than the file.
 */
export class PidFile {
  /** The dead process whose file was there, if one was: it did not come to remove it. */
  readonly deadPid: number | undefined;
  readonly #path: string;
  readonly #descriptor: number;
  #released = false;

  private constructor(path: string, descriptor: number, deadPid: number | undefined) {
    this.deadPid = deadPid;
    this.#path = path;
    this.#descriptor = descriptor;
  }

  /**
   * Takes the path for this process, in place of a dead one if need be.
   *
   * @throws TshuttleError ERR_ALREADY_RUNNING when a live process has it; ERR_CONFIG when it cannot be written.
   */
  static claim(path: string): PidFile {
    const own = `${path}.${process.pid}`;
    let descriptor: number | undefined;
    let deadPid: number | undefined;
    try {
      rmSync(own, { force: true });
      descriptor = openSync(own, 'wx', 0o644);
      writeSync(descriptor, `${process.pid}\n`);
      for (let attempt = 1; attempt <= CLAIM_ATTEMPTS; attempt += 1) {
        if (linkUnlessThere(own, path)) return new PidFile(path, descriptor, deadPid);
        deadPid = clearAwayIfDead(path) ?? deadPid;
      }
      throw new Error('others keep taking it');
    } catch (error) {
      if (descriptor !== undefined) closeSync(descriptor);
      if (error instanceof TshuttleError) throw error;
      throw new TshuttleError('ERR_CONFIG', `cannot write the pidfile ${path}: ${messageOf(error)}`, {
        remedy: 'name another file with --pidfile',
        cause: error,
      });
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** Removes the file, unless it is another's by now. Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    try {
      if (sameFile(fstatSync(this.#descriptor), statSync(this.#path))) rmSync(this.#path);
    } catch {
      // It was removed already.
    }
    closeSync(this.#descriptor);
  }
}

/** A link appears with its contents, so nobody sees a file that is still empty. */
function linkUnlessThere(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** @returns the process id in a file that was cleared away */
function clearAwayIfDead(path: string): number | undefined {
  // Root could move it away.
  if (isNullDevice(path)) throw new Error('it is a device, not a file');
  let descriptor: number;
  try {
    descriptor = openRegularFile(path, 'read');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const text = readDescriptor(descriptor, MAX_FILE_BYTES).toString('utf8').trim();
    if (text !== '' && !/^\d{1,31}$/.test(text))
      throw new Error('it holds something other than a process id');
    const pid = Number(text);
    if (pid > 0 && holdsOpen(pid, fstatSync(descriptor)))
      throw alreadyRunning(nameIn(path), pid, `pid file ${path}`);
    moveAway(path, descriptor);
    return pid > 0 ? pid : undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** Removes the path only if it still is the file that was found dead. */
function moveAway(path: string, descriptor: number): void {
  const aside = `${path}.${process.pid}.dead`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return;
    throw error;
  }
  // Between the look and the move another daemon may have taken the path: that one gets it back.
  if (!sameFile(statSync(aside), fstatSync(descriptor))) linkUnlessThere(aside, path);
  rmSync(aside, { force: true });
}

interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

function holdsOpen(
  pid: number,
  file: FileIdentity & { readonly uid: number; readonly mtimeMs: number },
): boolean {
  if (pid === process.pid) return false;
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((descriptor) => {
      try {
        return sameFile(statSync(`${folder}/${descriptor}`), file);
      } catch {
        // Closed while we looked, or a descriptor without a file.
        return false;
      }
    });
  } catch (error) {
    // Not to be looked into: a daemon of the file's owner, or a stranger's process that has got the number.
    if (systemCodeOf(error) === 'EACCES') return ownerOf(pid) === file.uid;
    return process.platform !== 'linux' && isAlive(pid) && !isYounger(pid, file.mtimeMs);
  }
}

function ownerOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return undefined; // it has just ended
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}

/** What a clock may be off, and how exact ps(1) is. */
const CLOCK_SLACK_MS = 5_000;

/** How long ps(1) may take. */
const PS_TIMEOUT_MS = 5_000;

/**
 * Whether a process has begun after a time, and so is another one than the one that lived then and had its number. Where nobody tells who has
 * a file open: by the time since the machine was started, and by ps(1), which Windows has not.
 */
function isYounger(pid: number, timeMs: number): boolean {
  const latestMs = timeMs + CLOCK_SLACK_MS;
  if (Date.now() - uptime() * 1_000 > latestMs) return true;
  if (process.platform === 'win32') return false;
  try {
    const text = execFileSync('ps', ['-o', 'etime=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: PS_TIMEOUT_MS,
    });
    // [[DAYS-]HOURS:]MINUTES:SECONDS (POSIX, ps)
    const [days, clock = ''] = text.includes('-') ? text.trim().split('-') : ['0', text.trim()];
    const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
    return Date.now() - (Number(days) * 86_400 + seconds) * 1_000 > latestMs;
  } catch {
    return false;
  }
}

/** @param found where the other process was seen */
export function alreadyRunning(name: string, pid: number, found: string): TshuttleError {
  return new TshuttleError('ERR_ALREADY_RUNNING', `already running with process id ${pid} (${found})`, {
    remedy: `stop it with: tshuttle down ${name}; a second tunnel through the same bastion needs its own --pidfile`,
  });
}

/** Pid files are called after their tunnels (`daemonPaths`), or those after them. */
function nameIn(path: string): string {
  return basename(path, '.pid');
}
