import { networkInterfaces } from 'node:os';
import { cidrOf } from '../address/cidr.ts';
import type { Endpoint } from '../address/endpoint.ts';
import { canonicalAddress, isLoopback, numberToAddress } from '../address/literal.ts';

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

/** This machine's own addresses, canonical, and the broadcast addresses of its networks. */
export function ownAndBroadcastAddresses(
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): readonly string[] {
  const found = Object.values(interfaces).flatMap((addresses = []) =>
    addresses.flatMap(({ address, cidr, family }) => {
      if (address.includes('%')) return [];
      const own = canonicalAddress(address) ?? address;
      if (family !== 'IPv4' || cidr === null) return [own];
      return [own, numberToAddress(4, cidrOf(own, Number(cidr.split('/')[1])).last)];
    }),
  );
  return [...new Set(found)];
}
