import type { Socket } from 'node:net';
import { TshuttleError } from '../../core/errors.ts';
import { type Endpoint, endpointOfBytes } from '../address/endpoint.ts';
import type { IpFamily } from '../address/literal.ts';
import { lastErrno } from './library.ts';
import { getSocketOption } from './socket-option.ts';

/** linux/in.h, linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h; the same on every architecture. */
const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
const IP6T_SO_ORIGINAL_DST = 80;

/** sizeof(struct sockaddr_in) and sizeof(struct sockaddr_in6). */
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;

// For every flow: the call is over before they are used again.
const sockaddrIn = Buffer.alloc(SOCKADDR_IN_BYTES);
const sockaddrIn6 = Buffer.alloc(SOCKADDR_IN6_BYTES);

/**
 * Where an accepted socket meant to go before the kernel redirected it (native-notes/original-destination.md).
 *
 * For a connection that was not redirected the kernel answers with the listener's own address.
 *
 * @param family of the listener; one for IPv6 must accept nothing else
 * @throws TshuttleError ERR_ORIGINAL_DST when the kernel does not know, or the socket is closed already.
 */
export function originalDestination(accepted: Socket, family: IpFamily): Endpoint {
  const isIpv4 = family === 4;
  const sockaddr = isIpv4 ? sockaddrIn : sockaddrIn6;
  const [level, name] = isIpv4 ? [SOL_IP, SO_ORIGINAL_DST] : [SOL_IPV6, IP6T_SO_ORIGINAL_DST];
  if (!getSocketOption(accepted, level, name, sockaddr)) {
    throw new TshuttleError(
      'ERR_ORIGINAL_DST',
      `the kernel does not know the original destination (errno ${lastErrno()})`,
    );
  }
  const endpoint = endpointOfBytes(
    isIpv4 ? sockaddr.subarray(4, 8) : sockaddr.subarray(8, 24),
    sockaddr.readUInt16BE(2),
  );
  if (endpoint === undefined) {
    throw new TshuttleError(
      'ERR_ORIGINAL_DST',
      'the kernel answered with port 0 for the original destination',
    );
  }
  return endpoint;
}
