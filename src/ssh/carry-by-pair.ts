import type { Socket } from 'node:net';
import type { Flow } from '../net/flow.ts';
import { relay } from '../net/sockets/relay.ts';
import { connectSockets } from '../net/sockets/socket-pair.ts';
import type { FlowSummary } from './transport.ts';

/**
 * Carries a flow whose accepted socket cannot be given away, because its application is answered here: what is carried is one end
 * of a socket pair, and bytes are copied between the other and the accepted socket. As `Transport.carry`.
 *
 * @param carry carries the end it is given; calls `onOpen` when the channel is open
 */
export async function carryByPair(
  flow: Flow,
  carry: (far: Socket, onOpen: () => void) => Promise<FlowSummary>,
): Promise<FlowSummary> {
  const { near, far } = connectSockets();
  let relayed: Promise<unknown> | undefined;
  const summary = await carry(far, () => {
    flow.onOpen?.();
    // The transport counts.
    relayed = relay(flow.accepted, near, { bytesUp: 0, bytesDown: 0 });
  });
  if (relayed === undefined) for (const socket of [near, far]) socket.destroy();
  else await relayed;
  return summary;
}
