import { networkInterfaces } from 'node:os';
import { type Endpoint, makeEndpoint } from './endpoint.ts';

/**
 * Whether an endpoint is one of this machine's own addresses with our listener's port: a connection that was made to the
 * listener directly and not redirected. Carrying it would make the bastion, or us, connect in a circle.
 */
export function isOwnListener(destination: Endpoint, listenerPort: number): boolean {
  if (destination.port !== listenerPort) return false;
  if (destination.address.startsWith('127.') || destination.address === '::1') return true;
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => makeEndpoint(address, listenerPort)?.address === destination.address),
  );
}
