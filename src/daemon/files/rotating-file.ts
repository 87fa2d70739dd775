import { closeSync, fchmodSync, fstatSync, renameSync, writeSync } from 'node:fs';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import { openRegularFile } from '../../core/files/regular-file.ts';

/** When a log file is put aside, in bytes. */
const SIZE_LIMIT_BYTES = 5 * 1024 * 1024;
/** How many files there are: FILE, FILE.1 ... FILE.4. With the size: 25 MiB at most. */
const FILE_COUNT = 5;

/** How large the files become, and how many there are. */
export interface RotationLimits {
  readonly sizeBytes: number;
  readonly fileCount: number;
}

/**
 * A log file that only its user can read, put aside when it is full.
 *
 * Writing never fails: a full disk must not end the tunnel. Lines that cannot be written are lost.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #limits: RotationLimits;
  #descriptor: number;
  #sizeBytes: number;

  /** @throws TshuttleError ERR_CONFIG when the file cannot be opened. */
  constructor(path: string, limits: RotationLimits = { sizeBytes: SIZE_LIMIT_BYTES, fileCount: FILE_COUNT }) {
    this.#path = path;
    this.#limits = limits;
    try {
      this.#descriptor = openLog(path);
      this.#sizeBytes = fstatSync(this.#descriptor).size;
    } catch (error) {
      throw new TshuttleError('ERR_CONFIG', `cannot write the log ${path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** Appends one line, newline included. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    try {
      if (this.#sizeBytes > 0 && this.#sizeBytes + bytes.length > this.#limits.sizeBytes) this.#rotate();
      writeSync(this.#descriptor, bytes);
      this.#sizeBytes += bytes.length;
    } catch {
      // The line is lost; the next one may find room again.
    }
  }

  /** Opens the path anew, after the file was moved away (logrotate and SIGHUP). */
  reopen(): void {
    try {
      const descriptor = openLog(this.#path);
      closeSync(this.#descriptor);
      this.#descriptor = descriptor;
      this.#sizeBytes = fstatSync(descriptor).size;
    } catch {
      // The old descriptor still takes lines.
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #rotate(): void {
    for (let index = this.#limits.fileCount - 1; index >= 1; index -= 1) {
      const from = index === 1 ? this.#path : `${this.#path}.${index - 1}`;
      try {
        renameSync(from, `${this.#path}.${index}`);
      } catch {
        // There are not that many yet.
      }
    }
    this.reopen();
  }
}

/** A link in the place of the log is not followed: the folder may be older than we are. */
function openLog(path: string): number {
  const descriptor = openRegularFile(path, 'append', { refuseLink: true });
  if (fstatSync(descriptor).isFile()) fchmodSync(descriptor, 0o600);
  return descriptor;
}
