import { type ExecFileException, execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import { makeTemporaryFolder } from '../../core/files/temporary-folder.ts';
import { printableLine } from '../../core/printable.ts';
import { environmentForChildren } from '../child-environment.ts';
import type { PresentedHostKey } from './presented-host-key.ts';

const MAGIC = Buffer.from('SSHKRL\n\0', 'latin1');

/** Less than a handshake may take, within which it runs; a look takes some 30 ms. */
const TIME_LIMIT_MS = 10_000;
const OUTPUT_LIMIT_BYTES = 65_536;

/** ssh-keygen(1), -Q. */
const EXIT_REVOKED = 1;

/** Whether data begins like a key revocation list of OpenSSH (`ssh-keygen -k`); anything else is a list of keys in text. */
export function isRevocationList(data: Buffer): boolean {
  return data.subarray(0, MAGIC.length).equals(MAGIC);
}

/**
 * Whether a key revocation list revokes a key, alone or in a certificate; then also the certificate, or its authority. Asks
 * `ssh-keygen -Q` (native-notes/own-ssh-wire.md).
 *
 * @throws Error when the list cannot be read or understood, with a reason for people; TshuttleError ERR_HOST_KEY where there is
 *   no ssh-keygen; the signal's reason
 */
export async function isRevokedBy(
  list: string,
  { blob, key, certificate }: PresentedHostKey,
  signal: AbortSignal,
): Promise<boolean> {
  const folder = await makeTemporaryFolder();
  try {
    // Not its standard input: Node makes that a socket, which no program can open as /dev/stdin.
    const shown = join(folder, 'host-key.pub');
    await writeFile(shown, `${certificate?.key.type ?? key.type} ${blob.toString('base64')}\n`);
    return await query(list, shown, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function query(list: string, shown: string, signal: AbortSignal): Promise<boolean> {
  const options = {
    encoding: 'utf8',
    env: environmentForChildren(process.env),
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_LIMIT_BYTES,
    signal,
    timeout: TIME_LIMIT_MS,
  } as const;
  return new Promise((resolve, reject) => {
    execFile('ssh-keygen', ['-Q', '-f', list, shown], options, (error, stdout, stderr) => {
      if (signal.aborted) reject(signal.reason as Error);
      else if (error === null && /: ok$/m.test(stdout)) resolve(false);
      else if (error?.code === EXIT_REVOKED) resolve(true);
      else reject(failureOf(list, error, stderr));
    });
  });
}

function failureOf(list: string, error: ExecFileException | null, stderr: string): Error {
  if (error === null) return new Error('ssh-keygen -Q does not say whether it revokes the key');
  if (error.code === 'ENOENT') {
    return new TshuttleError(
      'ERR_HOST_KEY',
      `cannot read the revoked host keys (RevokedHostKeys) in ${list}: there is no ssh-keygen on the PATH`,
      { remedy: 'install the OpenSSH client, or set -o RevokedHostKeys=none', cause: error },
    );
  }
  if (error.killed === true)
    return new Error(`ssh-keygen -Q gave no answer within ${TIME_LIMIT_MS / 1000} s`);
  const said = printableLine(stderr.trim().split('\n').at(-1) ?? '');
  return new Error(typeof error.code === 'number' ? `ssh-keygen -Q: ${said}` : messageOf(error));
}
