import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readKernelFile } from '../../../core/files/kernel-file.ts';

/** What is read of proc(5), by the path below /proc; tests have one of their own. */
export interface ProcFolder {
  /** The names in a folder; undefined where it is gone or may not be read. */
  readonly names: (path: string) => readonly string[] | undefined;
  /** What a link leads to; undefined where there is none any more. */
  readonly link: (path: string) => string | undefined;
  /** A short file; empty where it is gone. */
  readonly text: (path: string) => string;
  /** A file that may have megabytes; empty where it is gone. */
  readonly longText: (path: string) => Promise<string>;
}

/** That of this machine. Nothing in it waits for a disk, and one call costs a few µs: a tenth of what a thread for it would. */
export const PROC: ProcFolder = {
  names: (path) => orUndefined(() => readdirSync(`/proc/${path}`)),
  link: (path) => orUndefined(() => readlinkSync(`/proc/${path}`)),
  text: (path) => orUndefined(() => readFileSync(`/proc/${path}`, 'utf8')) ?? '',
  longText: (path) => readKernelFile(`/proc/${path}`),
};

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // the process has ended, or is somebody else's
  }
}
