import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { messageOf, systemCodeOf } from '../core/errors.ts';

/** The most that is read of one file, in bytes: a million subnets fit. */
const FILE_LIMIT_BYTES = 32 * 1024 * 1024;

/** What became of a file that should be read. */
export type TextFile =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unreadable'; readonly what: string };

/** Reads a whole text file; `-` is standard input. */
export type ReadTextFile = (path: string) => TextFile;

/** {@link ReadTextFile} from the file system. A byte order mark is left out. */
export function readTextFile(path: string): TextFile {
  try {
    const text = path === '-' ? readFileSync(0, 'utf8') : readBounded(path);
    return { kind: 'text', text: text.startsWith('\uFEFF') ? text.slice(1) : text };
  } catch (error) {
    return { kind: 'unreadable', what: `cannot be read: ${reasonOf(error)}` };
  }
}

function readBounded(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    if (fstatSync(descriptor).size > FILE_LIMIT_BYTES) throw new Error('it is larger than 32 MiB');
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

function reasonOf(error: unknown): string {
  switch (systemCodeOf(error)) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    default:
      return messageOf(error);
  }
}
