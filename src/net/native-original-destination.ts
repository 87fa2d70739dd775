import type { Socket } from 'node:net';
import { TshuttleError } from '../core/errors.ts';
import { type Endpoint, makeEndpoint } from './endpoint.ts';
import { lastErrno } from './native-library.ts';
import { getSocketOption } from './native-socket-option.ts';

/** linux/in.h, linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h; the same on every architecture. */
const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
const IP6T_SO_ORIGINAL_DST = 80;

/** sizeof(struct sockaddr_in) and sizeof(struct sockaddr_in6). */
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;

/**
 * Where an accepted socket meant to go before the kernel redirected it (native-notes/original-destination.md).
 *
 * For a connection that was not redirected the kernel answers with the listener's own address.
 *
 * @throws TshuttleError ERR_ORIGINAL_DST when the kernel does not know, or the socket is closed already.
 */
export function originalDestination(accepted: Socket): Endpoint {
  const localAddress = accepted.localAddress;
  if (localAddress === undefined) {
    throw new TshuttleError('ERR_ORIGINAL_DST', 'the accepted socket was closed before it could be asked');
  }
  // The family follows the textual local address: a dual-stack socket that carries IPv4 is asked as IPv4.
  const isIpv4 = !localAddress.includes(':') || localAddress.startsWith('::ffff:');
  const sockaddr = Buffer.alloc(isIpv4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES);
  const [level, name] = isIpv4 ? [SOL_IP, SO_ORIGINAL_DST] : [SOL_IPV6, IP6T_SO_ORIGINAL_DST];
  if (!getSocketOption(accepted, level, name, sockaddr)) {
    throw new TshuttleError(
      'ERR_ORIGINAL_DST',
      `the kernel does not know the original destination (errno ${lastErrno()})`,
    );
  }
  const address = isIpv4 ? formatIpv4(sockaddr.subarray(4, 8)) : formatIpv6(sockaddr.subarray(8, 24));
  const endpoint = makeEndpoint(address, sockaddr.readUInt16BE(2));
  if (endpoint === undefined) {
    throw new TshuttleError('ERR_ORIGINAL_DST', `the kernel answered with no usable destination: ${address}`);
  }
  return endpoint;
}

function formatIpv4(bytes: Buffer): string {
  return bytes.join('.');
}

function formatIpv6(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':');
}
