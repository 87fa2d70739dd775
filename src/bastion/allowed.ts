import { formatCidr, isWithin } from '../net/address/cidr.ts';
import { formatHostPort } from '../net/address/endpoint.ts';
import { addressBits } from '../net/address/literal.ts';
import { parseCidr } from '../net/address/parse-cidr.ts';
import { ALL_PORTS, portCount } from '../net/address/port-range.ts';
import type { Allowed } from './setup.ts';

/** What a bastion is for where nothing is said: private networks (RFC 1918, RFC 4193), and not the world. */
const PRIVATE_NETWORKS: readonly Allowed[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
].map((text) => ({ kind: 'network', cidr: parseCidr(text)!, ports: ALL_PORTS }));

/** What was allowed, or where nothing was, all private networks. */
export function allowedOrPrivate(allowed: readonly Allowed[]): readonly Allowed[] {
  return allowed.length === 0 ? PRIVATE_NETWORKS : allowed;
}

/**
 * Where a machine of a cloud finds the credentials of its role, or settings of its own, by its address alone: AWS (EC2, ECS, EKS),
 * Azure, Google, OpenStack and others at 169.254.0.0/16; Azure's agent at 168.63.129.16; Alibaba; Oracle.
 *
 * Source: the clouds' own pages (native-notes/bastion-side.md).
 */
export const METADATA_NETWORKS = {
  ipv4: ['169.254.0.0/16', '100.100.100.200', '168.63.129.16', '192.0.0.192'],
  ipv6: ['fe80::/10', 'fd00:ec2::/32', 'fd20:ce::/32'],
} as const;

/** Ports that credentials are served on, by HTTP and by Azure's agent. */
export const METADATA_PORTS: readonly number[] = [80, 32_526];

/** A host on one port is something that PermitOpen of sshd can say; it knows no networks, and no ranges of ports. */
export function permitOpenWord(allowed: Allowed): string | undefined {
  if (portCount(allowed.ports) !== 1) return undefined;
  const port = allowed.ports.first;
  if (allowed.kind === 'name') return formatHostPort(allowed.name, port);
  const { cidr } = allowed;
  return cidr.prefixLength === addressBits(cidr.family) ? formatHostPort(formatCidr(cidr), port) : undefined;
}

/** The words of PermitOpen where it can say all that is allowed; undefined where rules have to. */
export function permitOpenWords(allowed: readonly Allowed[]): readonly string[] | undefined {
  const words = allowed.map(permitOpenWord);
  return words.includes(undefined) || words.length === 0 ? undefined : (words as readonly string[]);
}

/** Whether a network is of those that are refused always. */
export function isMetadata(allowed: Allowed): boolean {
  if (allowed.kind === 'name') return false;
  return [...METADATA_NETWORKS.ipv4, ...METADATA_NETWORKS.ipv6].some((text) =>
    isWithin(allowed.cidr, parseCidr(text)!),
  );
}
