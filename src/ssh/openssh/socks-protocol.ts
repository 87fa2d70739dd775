import type { HostPort } from '../../net/address/endpoint.ts';

/** RFC 1928. */
const VERSION = 5;
const NO_AUTHENTICATION = 0;
const CONNECT = 1;
const NAME = 3;
const SUCCEEDED = 0;
const IPV4 = 1;

/** The choice of a method. */
export const SOCKS_METHOD_BYTES = 2;

/** The reply with an IPv4 address, which is all that ssh sends (channels.c, channel_decode_socks5). */
export const SOCKS_REPLY_BYTES = 10;

/**
 * The greeting and the request at once: ssh reads one after the other, and asks for no authentication. An address goes as a
 * name, which ssh passes on as it is.
 *
 * @throws Error when the host is longer than a name can be
 */
export function encodeSocksRequest({ host, port }: HostPort): Buffer {
  const name = Buffer.from(host);
  if (name.length > 255) throw new Error(`${host.slice(0, 20)}... is too long for a host name`);
  const greeting = [VERSION, 1, NO_AUTHENTICATION];
  const request = [VERSION, CONNECT, 0, NAME, name.length, ...name, port >> 8, port & 0xff];
  return Buffer.from([...greeting, ...request]);
}

/** Whether ssh has chosen what we offered. */
export function isOurMethod(choice: Buffer): boolean {
  return choice[0] === VERSION && choice[1] === NO_AUTHENTICATION;
}

/** Whether the channel is open. For one that is not, ssh closes the connection without a reply. */
export function isSocksSuccess(reply: Buffer): boolean {
  return (
    reply.length === SOCKS_REPLY_BYTES && reply[0] === VERSION && reply[1] === SUCCEEDED && reply[3] === IPV4
  );
}
