import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { canonicalIpv6, type IpFamily } from './endpoint.ts';

/** A network, or one address of it as /32 or /128. Bits beyond the prefix are zero in `first` and one in `last`. */
export interface Cidr {
  readonly family: IpFamily;
  readonly prefixLength: number;
  readonly first: bigint;
  readonly last: bigint;
}

/** How many bits an address of the family has. */
export function addressBits(family: IpFamily): number {
  return family === 4 ? 32 : 128;
}

/**
 * Parses `10.0.0.0/24`, `10.1.2.3`, `2001:db8::/32`, and `0/0` as sshuttle's users write it.
 *
 * Host bits are cleared (`10.1.2.3/8` is `10.0.0.0/8`), as ip(8) and sshuttle do not, but as every user means. IPv4-mapped IPv6
 * is IPv4 (`::ffff:10.0.0.0/104` is `10.0.0.0/8`): so the kernel connects to it, and the rules for IPv6 see nothing of it.
 *
 * @returns undefined when it is not one of these.
 */
export function parseCidr(text: string): Cidr | undefined {
  const [addressText = '', prefixText, ...rest] = text.split('/');
  if (rest.length > 0) return undefined;
  const address = addressText === '0' && prefixText === '0' ? '0.0.0.0' : addressText;
  const family = isIP(address);
  if ((family !== 4 && family !== 6) || address.includes('%')) return undefined;
  const bits = addressBits(family);
  if (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefixLength = prefixText === undefined ? bits : Number(prefixText);
  return prefixLength <= bits
    ? unmapped(makeCidr(family, addressToNumber(family, address), prefixLength))
    : undefined;
}

/** ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
const MAPPED_PREFIX = 0xffffn;
const MAPPED_PREFIX_LENGTH = 96;

function unmapped(cidr: Cidr): Cidr {
  const isMapped =
    cidr.family === 6 && cidr.prefixLength >= MAPPED_PREFIX_LENGTH && cidr.first >> 32n === MAPPED_PREFIX;
  return isMapped ? makeCidr(4, cidr.first & 0xffff_ffffn, cidr.prefixLength - MAPPED_PREFIX_LENGTH) : cidr;
}

/** The network of `prefixLength` bits that `address` lies in. */
export function makeCidr(family: IpFamily, address: bigint, prefixLength: number): Cidr {
  const hostMask = (1n << BigInt(addressBits(family) - prefixLength)) - 1n;
  return { family, prefixLength, first: address & ~hostMask, last: address | hostMask };
}

/** The number behind a literal address that `net.isIP` has accepted for this family. */
export function addressToNumber(family: IpFamily, address: string): bigint {
  const parser = family === 4 ? ipaddr.IPv4 : ipaddr.IPv6;
  return BigInt(`0x${Buffer.from(parser.parse(address).toByteArray()).toString('hex')}`);
}

/** The canonical literal address behind a number. */
export function numberToAddress(family: IpFamily, value: bigint): string {
  const digits = value.toString(16).padStart(addressBits(family) / 4, '0');
  const text = ipaddr.fromByteArray([...Buffer.from(digits, 'hex')]).toString();
  return family === 4 ? text : canonicalIpv6(text);
}

/** Renders `10.0.0.0/8`; a single address without its prefix length. */
export function formatCidr(cidr: Cidr): string {
  const address = numberToAddress(cidr.family, cidr.first);
  return cidr.prefixLength === addressBits(cidr.family) ? address : `${address}/${cidr.prefixLength}`;
}
