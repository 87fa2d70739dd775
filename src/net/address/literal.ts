import { isIP } from 'node:net';

/*
 * The one reader and writer of literal addresses on the way of every flow, and in the root process: without any package.
 * Networks that a user writes are read by parse-cidr.ts.
 */

/** 4 for IPv4, 6 for IPv6. */
export type IpFamily = 4 | 6;

/** The family of a literal address. */
export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 6 : 4;
}

/** The address of the machine itself that is there wherever the family is. */
export const LOOPBACK: Readonly<Record<IpFamily, string>> = { 4: '127.0.0.1', 6: '::1' };

/** How many bits an address of the family has. */
export function addressBits(family: IpFamily): number {
  return family === 4 ? 32 : 128;
}

/** The 4 or 16 bytes of a literal address that `net.isIP` has accepted, without a zone, in network order. */
export function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const bytes = Buffer.alloc(16);
  let end = 0;
  let gapAt = 0;
  for (const group of address.split(':')) {
    if (group === '') gapAt = end;
    else if (group.includes('.')) end += addressBytes(group).copy(bytes, end);
    else end = bytes.writeUInt16BE(Number.parseInt(group, 16), end);
  }
  if (end === bytes.length) return bytes;
  // What stands after the `::` ends the address.
  const gapEnd = gapAt + bytes.length - end;
  return bytes.copyWithin(gapEnd, gapAt, end).fill(0, gapAt, gapEnd);
}

/** The number behind a literal address that `net.isIP` has accepted for this family, without a zone. */
export function addressToNumber(family: IpFamily, address: string): bigint {
  if (family === 4) {
    const [a, b, c, d] = address.split('.');
    return BigInt(Number(a) * 2 ** 24 + Number(b) * 2 ** 16 + Number(c) * 2 ** 8 + Number(d));
  }
  const bytes = addressBytes(address);
  return (bytes.readBigUInt64BE(0) << 64n) | bytes.readBigUInt64BE(8);
}

/** The canonical literal address behind a number. */
export function numberToAddress(family: IpFamily, value: bigint): string {
  const bytes = Buffer.alloc(addressBits(family) / 8);
  if (family === 4) bytes.writeUInt32BE(Number(value));
  else bytes.writeBigUInt64BE(BigInt.asUintN(64, value), bytes.writeBigUInt64BE(value >> 64n));
  return bytesToAddress(bytes);
}

/** The canonical literal address of 4 or 16 bytes in network order. */
export function bytesToAddress(bytes: Buffer): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  return canonicalIpv6(bytes.toString('hex').replace(/.{4}(?=.)/g, '$&:'));
}

/** The RFC 5952 form of a literal IPv6 address without zone: the URL parser compresses as the rest of Node does. */
export function canonicalIpv6(literal: string): string {
  return new URL(`http://[${literal}]/`).hostname.slice(1, -1);
}

/** The canonical form of a literal address; IPv4-mapped IPv6 stays IPv6. Undefined for any other text, and with a zone. */
export function canonicalAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  return family === 6 && !text.includes('%') ? canonicalIpv6(text) : undefined;
}

/** The IPv4 address in a canonical IPv4-mapped one (RFC 4291, 2.5.5.2); any other as it is. */
export function withoutMapping(canonical: string): string {
  const groups = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (groups === null) return canonical;
  const [high, low] = [Number.parseInt(groups[1]!, 16), Number.parseInt(groups[2]!, 16)];
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}

/** Whether a literal address is one of the machine itself: 127.0.0.0/8, ::1, and the same mapped. */
export function isLoopback(address: string): boolean {
  const plain = withoutMapping(canonicalAddress(address) ?? address);
  return plain.startsWith('127.') || plain === '::1';
}
