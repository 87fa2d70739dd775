import { appendFile, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, systemCodeOf, TshuttleError } from '../core/errors.ts';
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
export async function readKnownHosts(policy: HostKeyPolicy): Promise<KnownHostEntry[]> {
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
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const separator = (await endsWithNewline(file)) ? '' : '\n';
    await appendFile(file, `${separator}${line}`, { mode: 0o600 });
    logger.warn(`permanently added the host key of ${policy.lookupName} to ${file}`);
  } catch (error) {
    logger.warn(`cannot add the host key to ${file}: ${messageOf(error)}`);
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
