import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, systemCodeOf } from '../../../../core/errors.ts';
import { lockFile } from '../../../../net/native/file-lock.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import { formatHoldings, NO_HOLDINGS, type PfHoldings, parseHoldings } from './pf-holdings.ts';

const NAME = /^(\d{1,10})-[0-9a-f]{16}$/;
const MAX_RECORDS = 1_024;
const GROUP_OR_OTHERS_MAY_WRITE = 0o022;
/** Somebody looks at it for a moment, or changes the alias of lo0. */
const LOCK_ATTEMPTS = 500;
const LOCK_EVERY_MS = 10;

/** The file in which a process writes down what it holds; locked for as long as it lives. */
export interface PfRecord {
  readonly pid: number;
  readonly holdings: PfHoldings;
  /** Replaces what is written; before it is done. @throws Error with the system's reason */
  write(holdings: PfHoldings): void;
  /** When nothing is held any more. Idempotent. */
  remove(): void;
  /** Lets go of it and leaves it to others. Idempotent. */
  close(): void;
}

/** A record as others see it. */
export interface SeenPfRecord {
  readonly name: string;
  readonly pid: number;
  /** What it says, or why it cannot be read. */
  readonly holdings: PfHoldings | { readonly unread: string };
  /** By its lock, which the kernel takes off: no process id can be mistaken for another one's. */
  readonly state: 'alive' | 'dead';
}

/**
 * The records of all helpers of this machine, a file each, in a folder that nobody but root can change. Files are told by their
 * locks: one that nobody holds is of a helper that was killed.
 */
export class PfRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws RefusedError where the folder is not root's own, or cannot be made */
  create(): PfRecord {
    this.#makeFolder();
    for (;;) {
      const name = `${process.pid}-${randomBytes(8).toString('hex')}`;
      const descriptor = this.#open(name, constants.O_CREAT | constants.O_EXCL);
      // Whoever cleans up may have taken it for a dead one's before it was locked.
      if (lockFile(descriptor, 'exclusive') && fstatSync(descriptor).nlink > 0) {
        const record = new OpenRecord(join(this.#folder, name), process.pid, descriptor, NO_HOLDINGS);
        record.write(NO_HOLDINGS);
        return record;
      }
      closeSync(descriptor);
    }
  }

  /** All that there are but `own`. @throws Error with the system's reason; RefusedError as {@link PfRecords.create} does */
  others(own?: PfRecord): readonly SeenPfRecord[] {
    return this.#names().flatMap((name) => {
      if (own instanceof OpenRecord && own.path === join(this.#folder, name)) return [];
      return this.#see(name) ?? [];
    });
  }

  /**
   * Takes over the record of a dead helper, to undo what it holds.
   *
   * @returns undefined when it is gone, or another process has it
   * @throws GrammarError when it says nothing that can be undone
   */
  async takeOver(name: string): Promise<PfRecord | undefined> {
    let descriptor: number;
    try {
      descriptor = this.#open(name);
    } catch {
      return undefined;
    }
    try {
      if (!(await locks(descriptor)) || fstatSync(descriptor).nlink === 0) {
        closeSync(descriptor);
        return undefined;
      }
      const holdings = readHoldings(descriptor);
      return new OpenRecord(join(this.#folder, name), pidOf(name), descriptor, holdings);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /** Runs a task that no other process of ours runs at the same time. @throws RefusedError when that takes too long */
  async alone<T>(task: () => Promise<T>): Promise<T> {
    this.#makeFolder();
    const descriptor = this.#open('lock', constants.O_CREAT);
    try {
      if (!(await locks(descriptor)))
        throw new RefusedError(`another process has ${join(this.#folder, 'lock')}`);
      return await task();
    } finally {
      closeSync(descriptor);
    }
  }

  #see(name: string): SeenPfRecord | undefined {
    let descriptor: number;
    try {
      descriptor = this.#open(name);
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return undefined; // just removed
      throw error;
    }
    try {
      // Shared, so that two who look do not take each other for its helper.
      const state = lockFile(descriptor, 'shared') ? 'dead' : 'alive';
      return fstatSync(descriptor).nlink === 0
        ? undefined
        : { name, pid: pidOf(name), state, holdings: holdingsOrReason(descriptor) };
    } finally {
      closeSync(descriptor);
    }
  }

  #names(): readonly string[] {
    try {
      this.#mustBeOurs();
      return readdirSync(this.#folder)
        .filter((name) => NAME.test(name))
        .slice(0, MAX_RECORDS);
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  #makeFolder(): void {
    try {
      mkdirSync(this.#folder, { mode: 0o700 });
    } catch (error) {
      if (systemCodeOf(error) !== 'EEXIST')
        throw new RefusedError(`${this.#folder} cannot be made: ${messageOf(error)}`);
    }
    this.#mustBeOurs();
  }

  /** What stands in it is undone by root: nobody else may have put it there. */
  #mustBeOurs(): void {
    const status = lstatSync(this.#folder);
    const isOurs = status.isDirectory() && isOwnUser(status.uid);
    if (!isOurs || (status.mode & GROUP_OR_OTHERS_MAY_WRITE) !== 0)
      throw new RefusedError(`${this.#folder} is not root's own: remove it`);
  }

  #open(name: string, flags = 0): number {
    const path = join(this.#folder, name);
    const descriptor = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | flags, 0o600);
    const status = fstatSync(descriptor);
    if (status.isFile() && isOwnUser(status.uid)) return descriptor;
    closeSync(descriptor);
    throw new RefusedError(`${path} is no file of root's`);
  }
}

class OpenRecord implements PfRecord {
  readonly path: string;
  readonly pid: number;
  #descriptor: number | undefined;
  #holdings: PfHoldings;

  constructor(path: string, pid: number, descriptor: number, holdings: PfHoldings) {
    this.path = path;
    this.pid = pid;
    this.#descriptor = descriptor;
    this.#holdings = holdings;
  }

  get holdings(): PfHoldings {
    return this.#holdings;
  }

  write(holdings: PfHoldings): void {
    if (this.#descriptor === undefined) throw new Error(`${this.path} is closed`);
    const text = Buffer.from(`${formatHoldings(holdings)}\n`);
    // One call, which a kill does not cut in two; what the last one had behind it, nobody reads.
    writeSync(this.#descriptor, text, 0, text.length, 0);
    ftruncateSync(this.#descriptor, text.length);
    this.#holdings = holdings;
  }

  remove(): void {
    if (this.#descriptor === undefined) return;
    unlinkSync(this.path);
    this.close();
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

async function locks(descriptor: number): Promise<boolean> {
  for (let attempt = 1; attempt < LOCK_ATTEMPTS; attempt += 1) {
    if (lockFile(descriptor, 'exclusive')) return true;
    await delay(LOCK_EVERY_MS);
  }
  return lockFile(descriptor, 'exclusive');
}

function readHoldings(descriptor: number): PfHoldings {
  const text = readFileSync(descriptor, 'utf8');
  // It was killed before it had written anything, so before it had done anything.
  return text === '' ? NO_HOLDINGS : parseHoldings(text);
}

function holdingsOrReason(descriptor: number): SeenPfRecord['holdings'] {
  try {
    return readHoldings(descriptor);
  } catch (error) {
    return { unread: messageOf(error) };
  }
}

function pidOf(name: string): number {
  return Number(NAME.exec(name)?.[1] ?? 0);
}

function isOwnUser(userId: number): boolean {
  return userId === 0 || userId === process.geteuid?.();
}
