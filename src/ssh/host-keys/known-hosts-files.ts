import { closeSync, existsSync, fstatSync, readSync, realpathSync, writeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { isForeignToRoot, makeFolder } from '../../core/files/folders.ts';
import { openRegularFile, readRegularFile, replaceFile } from '../../core/files/regular-file.ts';
import type { Logger } from '../../core/log.ts';
import type { PublicKey } from '../keys/public-key.ts';
import type { HostKeyPolicy } from '../ssh-target.ts';
import { formatKnownHost, type KnownHostEntry, parseKnownHosts } from './known-hosts.ts';

const FILE_LIMIT_BYTES = 32 * 1_048_576;

/**
 * Reads every known_hosts file of the policy, the user's first. A file that is not there is empty.
 *
 * @throws TshuttleError ERR_HOST_KEY when a file is there and cannot be read: it might say that a key is revoked.
 */
export function readKnownHosts(policy: Pick<HostKeyPolicy, 'userFiles' | 'globalFiles'>): KnownHostEntry[] {
  return [...policy.userFiles, ...policy.globalFiles].flatMap(readEntries);
}

function readEntries(file: string): KnownHostEntry[] {
  try {
    return parseKnownHosts(readRegularFile(file, FILE_LIMIT_BYTES).toString('utf8'), file);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new TshuttleError(
      'ERR_HOST_KEY',
      `cannot read the known host keys in ${file}: ${messageOf(error)}`,
      {
        remedy: `make ${file} readable, or name another with -o UserKnownHostsFile=FILE`,
        cause: error,
      },
    );
  }
}

/**
 * Files a key in the user's first known_hosts file; makes the file (0600) and its directory (0700) where missing.
 *
 * A failure is a warning: the key has been accepted, and will be asked about again.
 */
export function addKnownHost(policy: HostKeyPolicy, key: PublicKey, logger: Logger): void {
  const file = policy.userFiles[0];
  if (file === undefined) return;
  const line = formatKnownHost(policy.lookupName, key, policy.hashNewNames ? 'hashed' : 'plain');
  try {
    makeFolder(dirname(file));
    if (!existsSync(file) && isForeignToRoot(file)) throw new Error('root makes no file there');
    append(file, line);
    logger.warn(`permanently added the host key of ${policy.lookupName} to ${file}`);
  } catch (error) {
    logger.warn(`cannot add the host key to ${file}: ${messageOf(error)}`);
  }
}

/**
 * Takes lines out of the user's known_hosts files and adds keys to the first of them, as ssh does: each file is replaced at
 * once, and stays as `FILE.old`. A file that is not there is not made.
 *
 * @throws Error when a file was changed since the lines were read, or cannot be written.
 */
export function replaceKnownHosts(
  policy: Pick<HostKeyPolicy, 'lookupName' | 'userFiles' | 'hashNewNames'>,
  added: readonly PublicKey[],
  removed: readonly KnownHostEntry[],
): void {
  const style = policy.hashNewNames ? 'hashed' : 'plain';
  const lines = added.map((key) => formatKnownHost(policy.lookupName, key, style)).join('');
  for (const [index, file] of policy.userFiles.entries()) {
    const gone = removed.filter((entry) => entry.file === file);
    const appended = index === 0 ? lines : '';
    if (gone.length > 0 || appended !== '') replaceLines(file, gone, appended);
  }
}

function replaceLines(name: string, gone: readonly KnownHostEntry[], appended: string): void {
  const file = realpathSync(name);
  const text = readRegularFile(file, FILE_LIMIT_BYTES).toString('utf8');
  const now = parseKnownHosts(text, name);
  const isAsRead = gone.every((entry) => now.some((one) => isDeepStrictEqual(one, entry)));
  if (!isAsRead) throw new Error(`${file} was changed in the meantime`);
  const gap = text === '' || text.endsWith('\n') ? '' : '\n';
  const lines = text.split('\n').filter((_line, index) => !gone.some((entry) => entry.line === index + 1));
  const options = { mode: 0o600, flush: true, keepOldAs: `${basename(file)}.old` };
  replaceFile(file, `${lines.join('\n')}${gap}${appended}`, options);
}

/** On a line of its own, also where the last one has no end. */
function append(file: string, line: string): void {
  const descriptor = openRegularFile(file, 'append');
  try {
    writeSync(descriptor, `${endsWithNewline(file) ? '' : '\n'}${line}`);
  } finally {
    closeSync(descriptor);
  }
}

/** Also true where the file is empty: nothing has to be separated from the new line. */
function endsWithNewline(file: string): boolean {
  const descriptor = openRegularFile(file, 'read');
  try {
    const { size } = fstatSync(descriptor);
    if (size === 0) return true;
    const last = Buffer.alloc(1);
    readSync(descriptor, last, 0, 1, size - 1);
    return last.toString() === '\n';
  } finally {
    closeSync(descriptor);
  }
}
