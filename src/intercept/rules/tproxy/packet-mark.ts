import type { IpFamily } from '../../../net/address/literal.ts';

/** How a tunnel tells its packets: `mark` in the bits of `mask`, of the packet's mark and of its connection's; all other bits stay. */
export interface PacketMark {
  readonly mark: number;
  readonly mask: number;
}

/**
 * The bits that are ours where the user names none: 4 of 32. Others have these (native-notes/tproxy.md): Docker and sshuttle 0x1,
 * Kubernetes 0xc000, Cilium 0xf00 and 0xffff0000, Tailscale 0xff0000, Calico 0xffff0000, Antrea 0xc0000000, wg-quick 0xca6c.
 */
const MARK_MASK = 0x0f00_0000;
const LOWEST_BIT = 0x0100_0000;

/** Each for another tunnel of this machine, the first that nobody has. */
export const FREE_MARKS: readonly PacketMark[] = Array.from(
  { length: MARK_MASK / LOWEST_BIT },
  (_, index) => ({
    mark: (index + 1) * LOWEST_BIT,
    mask: MARK_MASK,
  }),
);

/** What `--tmark` names: these bits and no others. */
export function markOfBits(bits: number): PacketMark {
  return { mark: bits, mask: bits };
}

/** Whether a packet that has the one mark is taken for one that has the other. */
export function areConfused(one: PacketMark, other: PacketMark): boolean {
  const has = (a: PacketMark, b: PacketMark): boolean => (a.mark & b.mask) >>> 0 === b.mark;
  return has(one, other) || has(other, one);
}

/** `0x01000000`. */
export function formatBits(bits: number): string {
  return `0x${bits.toString(16).padStart(8, '0')}`;
}

/** Behind the rule for this machine's own addresses (0), before those of VPNs (wg-quick: from 32765 downwards, tailscale: 5210). */
export const ROUTING_PRIORITY = 116;

/** Below are those of the system (rtnetlink(7), RT_TABLE_MAIN and others). */
export const FIRST_FREE_TABLE = 256;

/** The routing table of a mark: another one for each, which nobody else is likely to have. */
export function markTable({ mark }: Pick<PacketMark, 'mark'>): number {
  return (mark ^ 0x7473_0000) >>> 0;
}

/** The routes of a mark as ip(8) would make them, for people. */
export function renderMarkedRoute(packetMark: PacketMark, family: IpFamily): string {
  const { mark, mask } = packetMark;
  const table = markTable(packetMark);
  const ip = `# ip -${family}`;
  return `${ip} rule add pref ${ROUTING_PRIORITY} fwmark ${formatBits(mark)}/${formatBits(mask)} lookup ${table}
${ip} route add local default dev lo table ${table}
`;
}

/** The name of an empty chain that tells which mark the tunnel of a table has. */
export function markChain({ mark, mask }: PacketMark): string {
  return `mark-${formatBits(mark)}-${formatBits(mask)}`;
}

/** Takes the name of a chain; undefined where it tells no mark. */
export function parseMarkChain(name: string): PacketMark | undefined {
  const [, mark, mask] = /^mark-(0x[0-9a-f]{8})-(0x[0-9a-f]{8})$/.exec(name) ?? [];
  return mark === undefined || mask === undefined ? undefined : { mark: Number(mark), mask: Number(mask) };
}
