import { readFileSync } from 'node:fs';
import { findTool } from '../../../net/machine/root-tools.ts';
import { runTool } from '../drivers/backend/run-tool.ts';

/**
 * The source ports of the UDP sockets that there are in this network namespace, of users and of the kernel. Empty where that cannot be
 * read.
 */
export async function udpPortsInUse(): Promise<readonly number[]> {
  if (process.platform === 'linux') {
    return parseProcNetUdp(['/proc/self/net/udp', '/proc/self/net/udp6'].map(readIfAny).join('\n'));
  }
  const netstat = findTool('netstat');
  if (netstat === undefined) return [];
  const listed = await runTool(netstat, ['-an', '-p', 'udp']);
  return listed.kind === 'done' ? parseNetstatUdp(listed.output) : [];
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // a machine without IPv6
  }
}

/** Takes what /proc/net/udp and udp6 say, a socket a line: `  123: 0100007F:0035 00000000:0000 07 ...` (proc(5)). */
export function parseProcNetUdp(text: string): readonly number[] {
  return ascending(
    [...text.matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /gm)].map(([, port]) => Number.parseInt(port!, 16)),
  );
}

/** Takes what `netstat -an -p udp` prints on macOS and FreeBSD: `udp4  0  0  192.168.1.5.52341  203.0.113.1.443`. */
export function parseNetstatUdp(text: string): readonly number[] {
  return ascending(
    [...text.matchAll(/^udp\S*\s+\d+\s+\d+\s+\S+\.(\d{1,5})\s/gm)].map(([, port]) => Number(port)),
  );
}

/** Port 0 is of a socket that has none yet. */
function ascending(ports: readonly number[]): readonly number[] {
  return [...new Set(ports)].filter((port) => port > 0 && port <= 65_535).sort((a, b) => a - b);
}
