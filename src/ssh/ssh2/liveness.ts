import type { Socket } from 'node:net';
import { TshuttleError } from '../../core/errors.ts';
import { unacknowledgedBytes } from '../../net/native-send-queue.ts';
import type { ConnectedBastion } from './connect.ts';
import { sendKeepalive, socketQueue } from './connection-internals.ts';
import { judgeInterval, type LivenessSample, startLiveness } from './liveness-decision.ts';

/** A watch over one connection. */
export interface LivenessWatch {
  /** Ends the watch. Idempotent; it also ends when the socket closes. */
  stop(): void;
}

/**
 * Watches whether a bastion still answers, with the target's keepalive policy, and asks it when nothing else is heard.
 *
 * @param onDead called once, when the bastion is taken for dead: with ERR_BASTION_LOST. The connection is left as it is.
 */
export function watchLiveness(
  bastion: Pick<ConnectedBastion, 'client' | 'socket' | 'target' | 'description'>,
  onDead: (error: TshuttleError) => void,
): LivenessWatch {
  const { client, socket, description } = bastion;
  const { keepalive } = bastion.target;
  let state = startLiveness(takeSample(socket));
  const stop = (): void => {
    clearInterval(timer);
    socket.off('close', stop);
  };
  const onInterval = (): void => {
    const judged = judgeInterval(state, takeSample(socket), keepalive);
    state = judged.state;
    if (judged.verdict === 'ping' && socket.writable) sendKeepalive(client);
    if (judged.verdict !== 'dead') return;
    stop();
    const silentS = (state.silentIntervals * keepalive.intervalMs) / 1000;
    onDead(
      new TshuttleError('ERR_BASTION_LOST', `nothing heard from bastion ${description} for ${silentS} s`, {
        remedy: 'check the network; set -o ServerAliveInterval and ServerAliveCountMax to be more patient',
      }),
    );
  };
  const timer = setInterval(onInterval, keepalive.intervalMs);
  timer.unref();
  socket.once('close', stop);
  return { stop };
}

/** Where the kernel does not tell what is acknowledged, what it has taken stands for it; it takes more only as it sends. */
function takeSample(socket: Socket): LivenessSample {
  const { takenBytes, waitingBytes } = socketQueue(socket);
  const unacknowledged = unacknowledgedBytes(socket) ?? 0;
  return {
    receivedBytes: socket.bytesRead,
    deliveredBytes: takenBytes - unacknowledged,
    backlogBytes: waitingBytes + unacknowledged,
  };
}
