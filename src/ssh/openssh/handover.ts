import type { Socket } from 'node:net';
import type { FlowProgress } from '../../net/flow.ts';
import { resetNow } from '../../net/native/connection-end.ts';
import { tcpByteCounts } from '../../net/native/tcp.ts';
import type { FlowEnd, FlowSummary } from '../transport.ts';
import { ABORTED, type CarriedFlow, notTaken } from './carried-flow.ts';
import type { Master } from './master.ts';
import { type ForwardReply, MuxConnection } from './mux-connection.ts';

/** How often the kernel is asked what an open flow has moved. */
const COUNT_EVERY_MS = 1_000;

/**
 * Carries an accepted socket by handing it over: ssh gets copies of its descriptor, and reads and writes it itself. Ours stays
 * open and unread until the flow is over, so that it can be reset and its bytes counted.
 *
 * When the destination ends its direction, ssh ends both (channels.c, `force_drain`): what the application sends after that is
 * lost (native-notes/openssh-master.md).
 */
export async function handOver(master: Master, flow: CarriedFlow): Promise<FlowSummary> {
  const { accepted, progress } = flow;
  const counting = setInterval(() => count(accepted, progress), COUNT_EVERY_MS);
  const end = await untilOver(master, flow);
  clearInterval(counting);
  count(accepted, progress);
  if (end.kind === 'eof') {
    accepted.destroy();
  } else {
    resetNow(accepted);
    accepted.resetAndDestroy();
  }
  return { end, bytesUp: progress.bytesUp, bytesDown: progress.bytesDown };
}

async function untilOver(master: Master, flow: CarriedFlow): Promise<FlowEnd> {
  const { accepted, signal } = flow;
  let connection: MuxConnection | undefined;
  const close = (): void => connection?.close();
  signal.addEventListener('abort', close, { once: true });
  // A socket pair, whose other end was closed.
  accepted.once('close', close);
  try {
    if (signal.aborted) return ABORTED;
    connection = await MuxConnection.open(master.control);
    if (signal.aborted) return ABORTED;
    const reply = await connection.forward(accepted, flow.destination);
    if (reply.kind !== 'opened') return await refusalOf(reply, master);
    flow.onOpen();
    await connection.over;
    if (signal.aborted) return ABORTED;
    return (await master.isGone()) ? { kind: 'bastion-lost' } : { kind: 'eof' };
  } catch (error) {
    if (signal.aborted) return ABORTED;
    if (await master.isGone()) return { kind: 'bastion-lost' };
    return notTaken(error);
  } finally {
    signal.removeEventListener('abort', close);
    accepted.off('close', close);
    close();
  }
}

/** A socket pair has no counts. */
function count(accepted: Socket, progress: FlowProgress): void {
  const counts = tcpByteCounts(accepted);
  if (counts === undefined) return;
  progress.bytesUp = counts.receivedBytes;
  progress.bytesDown = counts.sentBytes;
}

async function refusalOf(
  reply: Exclude<ForwardReply, { kind: 'opened' }>,
  { refusals }: Master,
): Promise<FlowEnd> {
  if (reply.kind === 'permission-denied') {
    return { kind: 'refused', reason: 'other', description: 'the user of the ssh master did not allow it' };
  }
  if (refusals === undefined) {
    return { kind: 'refused', reason: 'other', description: `${reply.reason}; its ssh master says why` };
  }
  return await refusals.next();
}
