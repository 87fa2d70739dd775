import { networkInterfaces } from 'node:os';
import type { Endpoint } from '../address/endpoint.ts';
import { canonicalAddress, isLoopback } from '../address/literal.ts';

/**
 * Whether an endpoint is one of this machine's own addresses with our listener's port: a connection that was made to the
 * listener directly and not redirected. Carrying it would make the bastion, or us, connect in a circle.
 */
export function isOwnListener(destination: Endpoint, listenerPort: number): boolean {
  return destination.port === listenerPort && isOwnAddress(destination.address);
}

/** Whether a canonical literal address is this machine's own. */
export function isOwnAddress(address: string): boolean {
  if (isLoopback(address)) return true;
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some((own) => canonicalAddress(own.address) === address),
  );
}
