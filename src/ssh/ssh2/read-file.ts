import { messageOf } from '../../core/errors.ts';
import { printableLine } from '../../core/printable.ts';
import type { ChannelMux } from './channels/channel-mux.ts';
import type { SessionChannel } from './channels/session-channel.ts';
import { SftpReader } from './channels/sftp-reader.ts';
import type { ConnectedBastion } from './connection/connect.ts';
import { expectNoForcedCommand } from './forced-command.ts';

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
  mux: ChannelMux,
  bastion: Pick<ConnectedBastion, 'client' | 'keyOptions'>,
  path: string,
): Promise<string> {
  await expectNoForcedCommand(mux, bastion);
  const file = await readFile(mux, new SftpReader(path, MAX_BYTES)).catch((error: unknown) => {
    throw new Error(printableLine(messageOf(error)), { cause: error });
  });
  return file.toString('utf8');
}

/**
 * Ends with EOF, and not with CLOSE: the server ends by itself at the end of its input, where a CLOSE would have sshd kill it, now
 * and then before it has ended.
 */
function readFile(mux: ChannelMux, sftp: SftpReader): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const settle = (outcome: Buffer | Error): void => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      session.endInput();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    const timer = setTimeout(() => settle(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)), TIMEOUT_MS);
    const session: SessionChannel = mux.openSession(
      { kind: 'subsystem', name: 'sftp' },
      {
        sessionStarted: () => session.send(sftp.start()),
        sessionSaid: (bytes) => {
          if (isSettled) return;
          try {
            const next = sftp.receive(bytes);
            if ('file' in next) settle(next.file);
            else if (next.request !== undefined) session.send(next.request);
          } catch (error) {
            settle(error as Error);
          }
        },
        sessionOver: (why) => settle(new Error(why ?? 'it ended before the end of the file')),
      },
    );
  });
}
