import { fitForUdp, readQuery } from '../message/message.ts';
import type { Overload } from '../overload.ts';
import type { PassThrough } from '../pass-through/pass-through.ts';
import type { Nameserver } from '../system/resolv-conf.ts';
import type { QueryPolicy } from './query-policy.ts';

/** UDP queries that have no answer yet; more are dropped, as a full socket drops them. */
const MAX_UDP_IN_FLIGHT = 4_096;

/** Dependencies of {@link takeDatagram}, the same for all queries. */
export interface DatagramContext {
  readonly policy: QueryPolicy;
  readonly passThrough: PassThrough;
  readonly overload: Overload;
  udpInFlight: number;
}

/** What the nameserver sent by UDP fits anyhow; TCP knows no limit. */
function fitPassedOn(packet: Buffer, answer: Buffer): Buffer {
  const received = readQuery(packet);
  return received.kind === 'query' ? fitForUdp(received.query, answer) : answer;
}

/**
 * Sees to one query that came by UDP.
 *
 * @param client who asks, for telling clients apart
 * @param reply called once at most
 */
export function takeDatagram(
  packet: Buffer,
  nameserver: Nameserver,
  client: string,
  shared: DatagramContext,
  reply: (answer: Buffer) => void,
): void {
  const { policy, passThrough, overload } = shared;
  if (shared.udpInFlight >= MAX_UDP_IN_FLIGHT) {
    overload.report(`${MAX_UDP_IN_FLIGHT} queries wait for the bastion's side, further ones are dropped`);
    return;
  }
  const handling = policy.handle(packet);
  switch (handling.kind) {
    case 'ignored':
      return;
    case 'refused':
      reply(handling.answer);
      return;
    case 'passed-on':
      passThrough.pass(nameserver, packet, client, (answer) => reply(fitPassedOn(packet, answer)));
      return;
    case 'answered':
      shared.udpInFlight += 1;
      void handling.answer.then((answer) => {
        shared.udpInFlight -= 1;
        reply(fitForUdp(handling.query, answer));
      });
  }
}
