import type { Client, SFTPWrapper } from 'ssh2';
import { messageOf } from '../../core/errors.ts';
import { printableLine } from '../server-text.ts';
import type { ConnectedBastion } from './connect.ts';
import { sendKeepalive } from './connection-internals.ts';

/** For the whole of it: a forced command may say nothing and stay. */
const TIMEOUT_MS = 5_000;

/** Any configuration file is smaller. */
const MAX_BYTES = 64 * 1024;

/**
 * Reads a small text file of the bastion over SFTP, which is a session: sshd may forbid it, or run a forced command in its
 * place. It is not tried where the key's options force one; where the server's configuration does, that runs once, and what
 * it says is no SFTP.
 *
 * @throws Error with a reason for people
 */
export async function readBastionFile(
  bastion: Pick<ConnectedBastion, 'client' | 'keyOptions'>,
  path: string,
): Promise<string> {
  const { client } = bastion;
  // sshd tells the key's options before it answers this.
  await new Promise<void>((resolve, reject) => {
    client.once('close', () => reject(new Error('the connection ended')));
    sendKeepalive(client, resolve);
  });
  if (bastion.keyOptions().some(({ forcesCommand }) => forcesCommand)) {
    throw new Error('the key may run one command only');
  }
  let opened: SFTPWrapper | undefined;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)), TIMEOUT_MS);
  });
  try {
    const read = async (): Promise<string> => {
      opened = await openSftp(client);
      return await readFile(opened, path);
    };
    return await Promise.race([read(), timeout]);
  } catch (error) {
    throw new Error(printableLine(messageOf(error)), { cause: error });
  } finally {
    clearTimeout(timer);
    if (opened !== undefined) endInput(client, opened);
  }
}

/**
 * The server ends by itself at the end of its input. A CLOSE would have sshd kill it, now and then before it has ended, and
 * ssh2 1.17 fails on the exit-signal that is told then: `data` is undefined in its client.js, and the connection is lost.
 */
function endInput(client: Client, sftp: SFTPWrapper): void {
  const { _protocol: protocol } = client as unknown as { _protocol: { channelEOF(id: number): void } };
  const { outgoing } = sftp as unknown as { outgoing: { id: number; state: string } };
  if (outgoing.state === 'open') protocol.channelEOF(outgoing.id);
}

function openSftp(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    client.sftp((error, sftp) => {
      if (error !== undefined) {
        reject(error);
        return;
      }
      sftp.on('error', () => {});
      resolve(sftp);
    });
  });
}

function readFile(sftp: SFTPWrapper, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const stream = sftp.createReadStream(path);
    stream.on('error', reject);
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_BYTES) stream.destroy(new Error(`${path} has more than ${MAX_BYTES} bytes`));
      else chunks.push(chunk);
    });
    stream.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    stream.on('close', () => reject(new Error('it ended before the end of the file')));
  });
}
