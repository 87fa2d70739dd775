import { messageOf } from '../../core/errors.ts';
import { printableLine } from '../../core/printable.ts';
import type { BastionProgram, ProgramListener } from '../transport.ts';
import type { ChannelMux } from './channels/channel-mux.ts';
import type { SessionChannel } from './channels/session-channel.ts';
import type { ConnectedBastion } from './connection/connect.ts';
import { expectNoForcedCommand } from './forced-command.ts';

/** For the whole of it: a forced command may say nothing and stay, and the files that a shell reads first may take their time. */
const TIMEOUT_MS = 20_000;

/**
 * Runs a command on the bastion that reads nothing and says little (`SESSION_WINDOW_BYTES`).
 *
 * @returns its standard output, whatever it ended with
 * @throws Error with a reason for people
 */
export async function runBastionCommand(
  mux: ChannelMux,
  bastion: Pick<ConnectedBastion, 'client' | 'keyOptions'>,
  command: string,
): Promise<string> {
  await expectNoForcedCommand(mux, bastion);
  const said: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`));
      session.close(undefined);
    }, TIMEOUT_MS);
    const session = mux.openSession(
      { kind: 'exec', command },
      {
        sessionSaid: (bytes) => said.push(Buffer.from(bytes)),
        sessionOver: (why) => {
          clearTimeout(timer);
          if (why === undefined) resolve();
          else reject(new Error(printableLine(why)));
        },
      },
    );
    session.endInput();
  });
  return Buffer.concat(said).toString('utf8');
}

/** Runs a program on the bastion that reads and says as much as it likes; see {@link BastionProgram}. */
export function startBastionProgram(
  mux: ChannelMux,
  bastion: Pick<ConnectedBastion, 'client' | 'keyOptions'>,
  command: string,
  listener: ProgramListener,
): BastionProgram {
  let session: SessionChannel | undefined;
  let isOver = false;
  const over = (why: string | undefined): void => {
    if (isOver) return;
    isOver = true;
    listener.over(why);
  };
  const start = (): void => {
    if (isOver) return;
    const sessionSaid = (bytes: Buffer): void => listener.said(bytes);
    session = mux.openSession({ kind: 'exec', command }, { isStream: true, sessionSaid, sessionOver: over });
  };
  void expectNoForcedCommand(mux, bastion).then(start, (error: unknown) => over(messageOf(error)));
  return {
    write: (bytes) => session?.send(bytes),
    send: (bytes) => session?.offer(bytes) ?? false,
    close: () => {
      isOver = true;
      session?.endInput();
      session?.close(undefined);
    },
  };
}
