import { lstatSync, type Stats } from 'node:fs';
import { systemCodeOf } from '../../core/errors.ts';
import { isOpenTo, isOwn } from '../../core/files/file-owner.ts';
import { areSocketsFiles } from './socket-address.ts';

const GROUP_OR_OTHERS_MAY_WRITE = 0o022;

/**
 * Why a folder may have sockets of others than this user in it, who would be told whatever is asked and answered there; undefined
 * when it cannot, or is not there. Our own are made for this user alone (private-folder.ts); where the folder of a session is one
 * that others may write to, as /tmp, somebody else may have made it first.
 */
export function whyDistrusted(folder: string): string | undefined {
  const status = statusOf(folder);
  if (status === undefined) return undefined;
  if (!status.isDirectory()) return 'it is not a folder';
  return whyForeign(status);
}

/** The same of a socket in such a folder. */
export function whySocketDistrusted(path: string): string | undefined {
  const status = statusOf(path);
  if (status === undefined) return undefined;
  const isRight = areSocketsFiles() ? status.isSocket() : status.isFile();
  return isRight ? whyForeign(status) : 'it is not a socket';
}

function whyForeign(status: Stats): string | undefined {
  if (!isOwn(status)) return `it belongs to user ${status.uid}`;
  return isOpenTo(status, GROUP_OR_OTHERS_MAY_WRITE) ? 'others may write it' : undefined;
}

function statusOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
