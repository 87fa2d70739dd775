import type { IncomingFlow } from '../../ingress/incoming-flow.ts';
import { formatEndpoint, formatHostPort, type HostPort } from '../../net/address/endpoint.ts';
import type { RedirectedConnection } from '../../net/sockets/redirected-connection.ts';
import type { FlowInfo } from '../status/status.ts';

/** Where the bastion is to connect to: a name where the address only stands for one. */
export function destinationOf({ destination, destinationName }: IncomingFlow): HostPort {
  if ('host' in destination) return destination;
  return { host: destinationName?.name ?? destination.address, port: destination.port };
}

/** A flow as its application sees it, where the kernel redirected it: who came through a proxy is told by us. */
export function redirectedConnection(flow: IncomingFlow): RedirectedConnection | undefined {
  const { destination, originator, answer } = flow;
  return answer === undefined && 'address' in destination ? { originator, destination } : undefined;
}

/** What lines and lists call a flow. */
export function describeFlow(flow: IncomingFlow): Pick<FlowInfo, 'destination' | 'address' | 'originator'> {
  const { host, port } = destinationOf(flow);
  const isSynthetic = flow.destinationName !== undefined && 'address' in flow.destination;
  return {
    destination: formatHostPort(host, port),
    address: isSynthetic ? flow.destination.address : null,
    originator: formatEndpoint(flow.originator),
  };
}
