import { networkInterfaces } from 'node:os';
import { type Endpoint, makeEndpoint } from '../address/endpoint.ts';

/** Stands in where only the canonical address is wanted. */
const ANY_PORT = 1;

/**
 * Whether an endpoint is one of this machine's own addresses with our listener's port: a connection that was made to the
 * listener directly and not redirected. Carrying it would make the bastion, or us, connect in a circle.
 */
export function isOwnListener(destination: Endpoint, listenerPort: number): boolean {
  return destination.port === listenerPort && isOwnAddress(destination.address);
}

/** Whether a canonical literal address is this machine's own. */
export function isOwnAddress(address: string): boolean {
  if (address.startsWith('127.') || address === '::1') return true;
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some((own) => makeEndpoint(own.address, ANY_PORT)?.address === address),
  );
}
