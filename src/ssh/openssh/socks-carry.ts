import { once } from 'node:events';
import type { Socket } from 'node:net';
import { messageOf } from '../../core/errors.ts';
import { copyBothWays } from '../../net/sockets/copy-both-ways.ts';
import type { FlowEnd, FlowSummary } from '../transport.ts';
import { ABORTED, type CarriedFlow, notTaken } from './carried-flow.ts';
import type { Master } from './master.ts';
import {
  encodeSocksRequest,
  isOurMethod,
  isSocksSuccess,
  SOCKS_METHOD_BYTES,
  SOCKS_REPLY_BYTES,
} from './socks-protocol.ts';
import type { UnixConnections } from './unix-connection.ts';

/** A master with a socket for SOCKS requests. */
export type SocksMaster = Master & { readonly socks: UnixConnections };

/**
 * Carries an accepted socket through the SOCKS server of ssh's `-D`, by copying: each side may end its direction and read on.
 */
export async function carryBySocks(master: SocksMaster, flow: CarriedFlow): Promise<FlowSummary> {
  const { accepted, progress } = flow;
  const end = await untilOver(master, flow);
  // Without effect on what has ended in order.
  if (progress.stage === 'open') accepted.resetAndDestroy();
  return { end, bytesUp: progress.bytesUp, bytesDown: progress.bytesDown };
}

async function untilOver(master: SocksMaster, flow: CarriedFlow): Promise<FlowEnd> {
  const { accepted, signal, progress } = flow;
  let toSsh: Socket | undefined;
  let isMethodOurs = false;
  const abort = (): void => void toSsh?.destroy();
  signal.addEventListener('abort', abort, { once: true });
  /** The end of ssh ends all its connections as a destination would. */
  const isStillUp = async (): Promise<boolean> => !signal.aborted && !(await master.isGone());
  try {
    if (signal.aborted) return ABORTED;
    const request = encodeSocksRequest(flow.destination);
    toSsh = await master.socks.open(async (socket) => {
      socket.write(request);
      // From the choice of a method on, ssh has taken the connection off its backlog.
      isMethodOurs = isOurMethod(await readExactly(socket, SOCKS_METHOD_BYTES));
      return socket;
    });
    const reply = signal.aborted ? Buffer.alloc(0) : await readExactly(toSsh, SOCKS_REPLY_BYTES);
    if (!isMethodOurs || !isSocksSuccess(reply)) {
      return (await isStillUp()) ? await refusalBy(master) : goneBy(signal);
    }
    flow.onOpen();
    const end = await copyBothWays(accepted, toSsh, progress, isStillUp);
    if (end.kind === 'eof') return end;
    if (!(await isStillUp())) return goneBy(signal);
    const detail = end.error === undefined ? 'it closed the connection' : messageOf(end.error);
    return { kind: 'reset', by: end.by === accepted ? 'application' : 'destination', detail };
  } catch (error) {
    if (!(await isStillUp())) return goneBy(signal);
    return notTaken(error);
  } finally {
    signal.removeEventListener('abort', abort);
    toSsh?.destroy();
  }
}

function goneBy(signal: AbortSignal): FlowEnd {
  return signal.aborted ? ABORTED : { kind: 'bastion-lost' };
}

async function refusalBy({ refusals }: Master): Promise<FlowEnd> {
  return (await refusals?.next()) ?? { kind: 'refused', reason: 'other', description: '' };
}

/**
 * The next bytes of a paused socket, exactly so many; what comes behind them stays in it.
 *
 * @returns fewer when nothing more comes
 */
async function readExactly(socket: Socket, length: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < length) {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) {
      bytes = Buffer.concat([bytes, chunk]);
      continue;
    }
    if (socket.readableEnded || socket.destroyed) return bytes;
    const over = new AbortController();
    const { signal } = over;
    try {
      await Promise.race(['readable', 'end', 'close'].map((event) => once(socket, event, { signal })));
    } finally {
      over.abort();
    }
  }
  if (bytes.length > length) socket.unshift(bytes.subarray(length));
  return bytes.subarray(0, length);
}
