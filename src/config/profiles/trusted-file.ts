import { closeSync, fstatSync, lstatSync, type Stats } from 'node:fs';
import { messageOf, systemCodeOf } from '../../core/errors.ts';
import { isOpenTo, isOwn } from '../../core/files/file-owner.ts';
import { openRegularFile, readDescriptor } from '../../core/files/regular-file.ts';
import type { TextFile } from '../parse/files/text-file.ts';

/** Far more than all profiles of a company, in bytes. */
const FILE_LIMIT_BYTES = 4 * 1024 * 1024;

/** Reads a file that decides where traffic goes; `missing` when there is none. */
export type ReadTrustedFile = (path: string) => TextFile | { readonly kind: 'missing' };

/**
 * {@link ReadTrustedFile} from the file system: refuses what anybody but this user and root could have written, also by way
 * of a link.
 */
export function readTrustedFile(path: string): TextFile | { readonly kind: 'missing' } {
  let descriptor: number;
  try {
    descriptor = openRegularFile(path, 'read');
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' };
    const why = code === 'EACCES' ? 'permission denied' : (code ?? messageOf(error));
    return { kind: 'unreadable', what: `cannot be read: ${why}` };
  }
  try {
    const status = fstatSync(descriptor);
    const distrust = whyDistrusted(status) ?? (ownedByUs(lstatSync(path)) ? undefined : FOREIGN);
    if (distrust !== undefined) return { kind: 'unreadable', what: distrust };
    return {
      kind: 'text',
      text: readDescriptor(descriptor, FILE_LIMIT_BYTES)
        .toString('utf8')
        .replace(/^\uFEFF/, ''),
    };
  } catch (error) {
    return { kind: 'unreadable', what: `cannot be read: ${systemCodeOf(error) ?? messageOf(error)}` };
  } finally {
    closeSync(descriptor);
  }
}

const FOREIGN = 'is not read, because it belongs to another user';

function whyDistrusted(status: Stats): string | undefined {
  if (!ownedByUs(status)) return FOREIGN;
  // A group of the user's own name and number has nobody else in it (Fedora's and Debian's user private groups).
  const isGroupOfOwner = status.gid === status.uid;
  const forbidden = isGroupOfOwner ? 0o002 : 0o022;
  return isOpenTo(status, forbidden) ? 'is not read, because others may write it; chmod go-w it' : undefined;
}

function ownedByUs(status: Stats): boolean {
  return status.uid === 0 || isOwn(status);
}
