import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import type * as IpNum from 'ip-num';
import { type Cidr, makeCidr } from './cidr.ts';
import { addressBits, addressToNumber, type IpFamily } from './literal.ts';

let loaded: typeof IpNum | undefined;

/** Loads ip-num with the first IPv6 network: it takes a third of the time of Node's own start (native-notes/ip-num.md). */
function ipNum(): typeof IpNum {
  loaded ??= createRequire(import.meta.url)('ip-num') as typeof IpNum;
  return loaded;
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
  // ip-num takes a zone, of letters and digits only.
  if ((family !== 4 && family !== 6) || address.includes('%')) return undefined;
  const bits = addressBits(family);
  if (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefixLength = prefixText === undefined ? bits : Number(prefixText);
  return prefixLength <= bits
    ? unmapped(makeCidr(family, parsedValue(family, address), prefixLength))
    : undefined;
}

function parsedValue(family: IpFamily, address: string): bigint {
  return family === 4 ? addressToNumber(4, address) : ipNum().IPv6.fromString(address).value;
}

/** ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
const MAPPED_PREFIX = 0xffffn;
const MAPPED_PREFIX_LENGTH = 96;

function unmapped(cidr: Cidr): Cidr {
  const isMapped =
    cidr.family === 6 && cidr.prefixLength >= MAPPED_PREFIX_LENGTH && cidr.first >> 32n === MAPPED_PREFIX;
  return isMapped ? makeCidr(4, cidr.first & 0xffff_ffffn, cidr.prefixLength - MAPPED_PREFIX_LENGTH) : cidr;
}
