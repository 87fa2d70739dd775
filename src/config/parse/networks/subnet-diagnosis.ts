// Says what is wrong with a subnet that did not parse, and what to write instead.
import { isIP } from 'node:net';
import { MAX_NAME_CHARACTERS } from '../../../net/address/zone.ts';

/** Whether the text can be a host name: RFC 1123 labels, underscores as they occur, a trailing dot allowed. */
export function isHostName(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name.length === 0 || name.length > MAX_NAME_CHARACTERS) return false;
  return name.split('.').every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label));
}

/** For text of digits and dots, perhaps with a slash and more. */
export function diagnoseIPv4(text: string): string {
  const [address = '', prefix, ...rest] = text.split('/');
  if (rest.length > 0) return 'has two slashes; write it as in 10.0.0.0/24';
  // Somebody has written `-D 1080`.
  if (/^\d{3,5}$/.test(text) && Number(text) > 255)
    return `is a port, not a network; what is -D ${text} for ssh is --socks ${text} here`;
  const parts = address.split('.');
  const tooLarge = parts.find((part) => Number(part) > 255);
  if (tooLarge !== undefined) return `has ${tooLarge} in its address, but no part is more than 255`;
  if (parts.length !== 4 || parts.includes('')) return diagnosePartCount(parts, prefix);
  const zeroLed = parts.find((part) => part.length > 1 && part.startsWith('0'));
  if (zeroLed !== undefined) return `has ${zeroLed} in its address; leave out the leading zero`;
  return diagnosePrefix(address, prefix ?? '', 32);
}

function diagnosePartCount(parts: readonly string[], prefix: string | undefined): string {
  const given = parts.filter((part) => part !== '');
  if (given.length === 0 || given.length >= 4) return 'is not an IPv4 network; write it as in 10.0.0.0/24';
  const padded = [...given, '0', '0', '0'].slice(0, 4).join('.');
  return `has ${given.length} of the 4 numbers of an IPv4 address; perhaps ${padded}/${prefix || 8 * given.length}`;
}

/** For what looks like a network but has another sign in the place of the slash, or a star; undefined for all else. */
export function diagnoseNotation(text: string): string | undefined {
  const [, address = '', sign = '', length = ''] = /^(\d+\.\d+\.\d+\.\d+)([-\\_])(\d+)$/.exec(text) ?? [];
  if (isIP(address) === 4 && Number(length) <= 32)
    return `has ${sign} before its prefix length; write ${address}/${length}`;
  const [, first = '', last = ''] = /^(\d+\.\d+\.\d+\.\d+)-(\d[\d.]*)$/.exec(text) ?? [];
  if (isIP(first) === 4)
    return `is a range up to ${last}; write the networks in it, as in ${first.replace(/\.\d+$/, '.0')}/24`;
  const stars = /^((?:\d+\.){1,3})[*xX](?:\.[*xX])*$/.exec(text)?.[1];
  if (stars === undefined) return undefined;
  const parts = stars.split('.').filter((part) => part !== '');
  const network = [...parts, '0', '0', '0'].slice(0, 4).join('.');
  return isIP(network) === 4 ? `leaves parts open; write ${network}/${8 * parts.length}` : undefined;
}

/** For text with more than one colon, or inside brackets. */
export function diagnoseIPv6(text: string): string {
  const [address = '', prefix, ...rest] = text.split('/');
  if (address.includes('%')) return 'has a zone (%), and link-local addresses are never captured';
  if (rest.length === 0 && prefix !== undefined && isIP(address) === 6)
    return diagnosePrefix(address, prefix, 128);
  return 'is not an IPv6 network; write it as in 2001:db8::/32, with a port as in [2001:db8::/32]:443';
}

/** For a prefix length after a name, which is that of IPv4. */
export function diagnoseNamePrefix(name: string, prefix: string): string {
  return diagnosePrefix(name, prefix, 32);
}

function diagnosePrefix(address: string, prefix: string, bits: 32 | 128): string {
  const family = bits === 32 ? 'IPv4' : 'IPv6';
  if (prefix === '') return `has no prefix length after the slash; write 0 to ${bits}`;
  if (bits === 32 && isIP(prefix) === 4) {
    const length = netmaskLength(prefix);
    if (length !== undefined) return `has a netmask; write ${address}/${length}`;
  }
  if (!/^\d+$/.test(prefix))
    return `has the prefix length ${prefix}, which is not a number from 0 to ${bits}`;
  const port = Number(prefix) > 128 && Number(prefix) <= 65_535 && bits === 32;
  return `has the prefix length ${prefix}, but ${family} has at most ${bits}${port ? `; for a port write ${address}:${prefix}` : ''}`;
}

/** How many ones a contiguous netmask begins with. */
function netmaskLength(netmask: string): number | undefined {
  const ones = netmask
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(ones) ? ones.lastIndexOf('1') + 1 : undefined;
}
