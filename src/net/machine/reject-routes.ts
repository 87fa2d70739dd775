import { readKernelFile } from '../../core/files/kernel-file.ts';
import { type Cidr, makeCidr } from '../address/cidr.ts';

/** Routes that are looked at; a list of blocked networks may have a hundred thousand. */
const MAX_ROUTES = 256;

/** linux/route.h. A blackhole of IPv4 has no such flag, but no device either. */
const RTF_REJECT = 0x0200;
const NO_DEVICE = '*';

/** The routes of the main table that refuse connections: blackhole, prohibit, unreachable. Empty where that cannot be read. */
export async function rejectRoutes(): Promise<readonly Cidr[]> {
  const [text4 = '', text6 = ''] = await Promise.all(
    ['/proc/net/route', '/proc/net/ipv6_route'].map(readKernelFile),
  );
  return [...parseRoutes4(text4), ...parseRoutes6(text6)].slice(0, MAX_ROUTES);
}

/** Lines of `Iface Destination Gateway Flags RefCnt Use Metric Mask ...`; addresses are 32 bits of this machine's byte order. */
export function parseRoutes4(text: string): readonly Cidr[] {
  return text.split('\n').flatMap((line) => {
    const [device, destination = '', , flags = '', , , , mask = ''] = line
      .split('\t')
      .map((word) => word.trim());
    if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(mask)) return [];
    if (device !== NO_DEVICE && (Number.parseInt(flags, 16) & RTF_REJECT) === 0) return [];
    const prefixLength = bitsIn(Number.parseInt(mask, 16));
    return prefixLength === 0 ? [] : [makeCidr(4, BigInt(swapped(destination)), prefixLength)];
  });
}

/** Lines of `destination prefixLength source prefixLength gateway metric references uses flags device`. */
export function parseRoutes6(text: string): readonly Cidr[] {
  return text.split('\n').flatMap((line) => {
    const [destination = '', prefixText = '', , , , , , , flags = ''] = line.trim().split(/\s+/);
    if (!/^[0-9a-f]{32}$/.test(destination)) return [];
    if ((Number.parseInt(flags, 16) & RTF_REJECT) === 0) return [];
    const prefixLength = Number.parseInt(prefixText, 16);
    // The kernel's own last route of each table is one that says: no route.
    return prefixLength === 0 ? [] : [makeCidr(6, BigInt(`0x${destination}`), prefixLength)];
  });
}

function swapped(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE(0);
}

function bitsIn(mask: number): number {
  return mask.toString(2).replaceAll('0', '').length;
}
