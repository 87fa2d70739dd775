import type { Socket } from 'node:net';
import { relay } from '../net/sockets/relay.ts';
import { connectSockets } from '../net/sockets/socket-pair.ts';
import type { CarryOptions, FlowSummary } from './transport.ts';

/**
 * Carries an accepted socket that cannot be given away, because its application is answered here: what is carried is one end of
 * a socket pair, and bytes are copied between the other and the accepted socket. As `Transport.carry`.
 *
 * @param carry carries the end it is given; calls `onOpen` when the channel is open
 */
export async function carryByPair(
  accepted: Socket,
  carry: (far: Socket, onOpen: () => void) => Promise<FlowSummary>,
  { onOpen, givesBackRefused }: CarryOptions,
): Promise<FlowSummary> {
  const { near, far } = connectSockets();
  let relayed: Promise<unknown> | undefined;
  const summary = await carry(far, () => {
    onOpen?.();
    // The transport counts.
    relayed = relay(accepted, near, { bytesUp: 0, bytesDown: 0 });
  });
  if (relayed !== undefined) {
    await relayed;
    return summary;
  }
  near.destroy();
  if (summary.end.kind !== 'refused' || givesBackRefused !== true) accepted.resetAndDestroy();
  return summary;
}
