import { formatEndpoint, formatHostPort, makeEndpoint } from '../../net/address/endpoint.ts';
import type { Flow } from '../../net/flow.ts';
import type { RedirectedConnection } from '../../net/sockets/redirected-connection.ts';
import type { FlowInfo } from '../status/status.ts';

/** A flow as its application sees it, where the kernel redirected it: who came through a proxy is told by us. */
export function redirectedConnection({ redirectedFrom, originator }: Flow): RedirectedConnection | undefined {
  return redirectedFrom && { originator, destination: redirectedFrom };
}

/** What lines and lists call a flow. */
export function describeFlow({
  destination,
  heldName,
  originator,
}: Flow): Pick<FlowInfo, 'destination' | 'address' | 'originator'> {
  return {
    destination: formatHostPort(destination.host, destination.port),
    address: heldName?.address ?? null,
    originator: formatEndpoint(originator),
  };
}

/** What the application's socket is connected to: an address that is captured, or a proxy or forward of ours. */
export function calledEndpoint({ redirectedFrom, accepted }: Flow): string | null {
  const { localAddress = '', localPort = 0 } = accepted;
  const called = redirectedFrom ?? makeEndpoint(localAddress, localPort);
  return called === undefined ? null : formatEndpoint(called);
}
