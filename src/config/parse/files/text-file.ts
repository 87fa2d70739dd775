import { closeSync, openSync } from 'node:fs';
import { messageOf, systemCodeOf } from '../../../core/errors.ts';
import { openRegularFile, readDescriptor } from '../../../core/files/regular-file.ts';
import { NoSecretError, refuseUnlessSecret } from './secret-file.ts';

/** The most that is read of one file, in bytes: a million subnets fit. */
const FILE_LIMIT_BYTES = 32 * 1024 * 1024;

/** What became of a file that should be read. */
export type TextFile =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unreadable'; readonly what: string };

/** How a file is read. */
export interface ReadTextOptions {
  /** Whether a file that others can read is refused. */
  readonly isSecret?: boolean;
}

/** Reads a whole text file; `-` is standard input. */
export type ReadTextFile = (path: string, options?: ReadTextOptions) => TextFile;

/** {@link ReadTextFile} from the file system. A byte order mark is left out. */
export function readTextFile(path: string, { isSecret = false }: ReadTextOptions = {}): TextFile {
  try {
    const text = readBytes(path, isSecret).toString('utf8');
    return { kind: 'text', text: text.startsWith('\uFEFF') ? text.slice(1) : text };
  } catch (error) {
    if (error instanceof NoSecretError) return { kind: 'unreadable', what: `is refused: ${error.message}` };
    return { kind: 'unreadable', what: `cannot be read: ${reasonOf(error)}` };
  }
}

/** An open descriptor, as by `<(command)` of a shell: it has a writer. */
const OPEN_ALREADY = /^\/(?:dev\/stdin$|dev\/fd\/\d|proc\/(?:self|thread-self)\/fd\/\d)/;

function readBytes(path: string, isSecret: boolean): Buffer {
  if (path === '-') return readDescriptor(0, FILE_LIMIT_BYTES);
  const descriptor = OPEN_ALREADY.test(path) ? openSync(path, 'r') : openRegularFile(path, 'read');
  try {
    if (isSecret) refuseUnlessSecret(descriptor);
    return readDescriptor(descriptor, FILE_LIMIT_BYTES);
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
    default:
      return messageOf(error);
  }
}
