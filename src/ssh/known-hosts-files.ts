import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  appendFile,
  chown,
  link,
  open,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf, systemCodeOf, TshuttleError } from '../core/errors.ts';
import { isForeignToRoot, makeFolder } from '../core/folders.ts';
import type { Logger } from '../core/log.ts';
import { formatKnownHost, type KnownHostEntry, parseKnownHosts } from './known-hosts.ts';
import type { PublicKey } from './public-key.ts';
import type { HostKeyPolicy } from './ssh-target.ts';

const FILE_LIMIT_BYTES = 32 * 1_048_576;

/**
 * Reads every known_hosts file of the policy, the user's first. A file that is not there is empty.
 *
 * @throws TshuttleError ERR_HOST_KEY when a file is there and cannot be read: it might say that a key is revoked.
 */
export async function readKnownHosts(
  policy: Pick<HostKeyPolicy, 'userFiles' | 'globalFiles'>,
): Promise<KnownHostEntry[]> {
  const files = [...policy.userFiles, ...policy.globalFiles];
  const entries = await Promise.all(files.map(readEntries));
  return entries.flat();
}

async function readEntries(file: string): Promise<KnownHostEntry[]> {
  try {
    const text = await readFile(file);
    if (text.length > FILE_LIMIT_BYTES) throw new Error(`larger than ${FILE_LIMIT_BYTES} bytes`);
    return parseKnownHosts(text.toString('utf8'), file);
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
export async function addKnownHost(policy: HostKeyPolicy, key: PublicKey, logger: Logger): Promise<void> {
  const file = policy.userFiles[0];
  if (file === undefined) return;
  const line = formatKnownHost(policy.lookupName, key, policy.hashNewNames ? 'hashed' : 'plain');
  try {
    makeFolder(dirname(file));
    if (!existsSync(file) && isForeignToRoot(file)) throw new Error('root makes no file there');
    const separator = (await endsWithNewline(file)) ? '' : '\n';
    await appendFile(file, `${separator}${line}`, { mode: 0o600 });
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
export async function replaceKnownHosts(
  policy: Pick<HostKeyPolicy, 'lookupName' | 'userFiles' | 'hashNewNames'>,
  added: readonly PublicKey[],
  removed: readonly KnownHostEntry[],
): Promise<void> {
  const style = policy.hashNewNames ? 'hashed' : 'plain';
  const lines = added.map((key) => formatKnownHost(policy.lookupName, key, style)).join('');
  for (const [index, file] of policy.userFiles.entries()) {
    const gone = removed.filter((entry) => entry.file === file);
    const appended = index === 0 ? lines : '';
    if (gone.length > 0 || appended !== '') await replaceFile(file, gone, appended);
  }
}

async function replaceFile(name: string, gone: readonly KnownHostEntry[], appended: string): Promise<void> {
  // A link to the real file stays one.
  const file = await realpath(name);
  const text = await readFile(file, 'utf8');
  const now = parseKnownHosts(text, name);
  const isAsRead = gone.every((entry) => now.some((one) => isDeepStrictEqual(one, entry)));
  if (!isAsRead) throw new Error(`${file} was changed in the meantime`);
  const gap = text === '' || text.endsWith('\n') ? '' : '\n';
  const lines = text.split('\n').filter((_line, index) => !gone.some((entry) => entry.line === index + 1));
  const temporary = `${file}.${randomBytes(8).toString('hex')}`;
  try {
    await writeFile(temporary, `${lines.join('\n')}${gap}${appended}`, {
      mode: 0o600,
      flag: 'wx',
      flush: true,
    });
    const { uid, gid } = await stat(file);
    // Root replaces a file that was named to it, and that stays its owner's.
    if (process.geteuid?.() === 0) await chown(temporary, uid, gid);
    await rm(`${file}.old`, { force: true });
    await link(file, `${file}.old`);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Also true where there is no file, or an empty one: nothing has to be separated from the new line. */
async function endsWithNewline(file: string): Promise<boolean> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return true;
  try {
    const { size } = await handle.stat();
    if (size === 0) return true;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer.toString() === '\n';
  } finally {
    await handle.close();
  }
}
