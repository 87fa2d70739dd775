import { prefixLengthOf } from '../../../net/address/cidr.ts';
import { addressToNumber, familyOf, type IpFamily } from '../../../net/address/literal.ts';
import { ALL_PORTS, type PortRange } from '../../../net/address/port-range.ts';
import type { ProgramMatch } from '../program-match.ts';
import type { AddressInterval, OwnedPlan } from '../redirect-plan.ts';
import { type IptablesTable, iptablesChains, renderInstanceComment } from './iptables-chains.ts';

/**
 * Renders redirect plans for iptables-restore(8) and ip6tables-restore(8) with `--noflush`, one text per family. Pure.
 *
 * Two chains: `TSHUTTLE-PORT` says what is never captured, `TSHUTTLE-PORT-G` has the port groups. Where only some programs are captured,
 * `TSHUTTLE-PORT` chooses them, and `TSHUTTLE-PORT-O` says the rest. Each text is one transaction
 * (native-notes/iptables.md).
 */

/** Destinations that never leave the machine or have no one owner. IPv6 has no broadcast; the kernel refuses the word. */
export const UNROUTED_TYPES: Readonly<Record<IpFamily, readonly string[]>> = {
  4: ['LOCAL', 'BROADCAST', 'MULTICAST', 'ANYCAST'],
  6: ['LOCAL', 'MULTICAST', 'ANYCAST'],
};

/** What is known of the machine when the rules are rendered. */
export interface IptablesOptions {
  readonly family: IpFamily;
  /** {@link formatInstance} of the helper. */
  readonly instance: string;
  /** Which rule of OUTPUT is to lead to our chain, counted from 1; `there`: one does, and a second would have to be removed twice. */
  readonly jumpAt: number | 'there';
}

/** Renders the transaction that makes the tunnel's chains do what the plan says. */
export function renderIptables(plan: OwnedPlan, options: IptablesOptions): string {
  const { entry, chosen, groups } = iptablesChains(plan);
  return textOfTable('nat', [
    `:${entry} - [0:0]`,
    ...(plan.only === null ? [] : [`:${chosen} - [0:0]`]),
    `:${groups} - [0:0]`,
    ...renderEntry(plan, options),
    ...plan.groups.flatMap((group) =>
      (options.family === 4 ? group.intervals4 : group.intervals6).map((interval) =>
        renderInterval(options.family, 'tcp', group.ports, interval, {
          chain: groups,
          capture: `REDIRECT --to-ports ${plan.listenerPort}`,
        }),
      ),
    ),
    ...(options.jumpAt === 'there' ? [] : [`-I OUTPUT ${options.jumpAt} -j ${entry}`]),
  ]);
}

/** What iptables-restore takes for one transaction on a table. */
export function textOfTable(table: IptablesTable, lines: readonly string[]): string {
  return `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
}

function renderEntry(
  plan: OwnedPlan,
  { family, instance }: Pick<IptablesOptions, 'family' | 'instance'>,
): string[] {
  const { entry, chosen, groups } = iptablesChains(plan);
  const deciding = plan.only === null ? entry : chosen;
  const endpoints = plan.exempt
    .filter((endpoint) => endpoint.family === family)
    .map(
      ({ address, port }) => `-d ${address}${family === 4 ? '/32' : '/128'} -p tcp -m tcp --dport ${port}`,
    );
  return [
    `-A ${entry} ${renderInstanceComment(instance, plan.order)}`,
    // The tracker takes a connection that it has not seen begin for a new one (native-notes/connections-under-way.md).
    `-A ${entry} -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j RETURN`,
    ...(plan.only ?? []).map((match) => `-A ${entry} ${renderProgram(match)} -g ${chosen}`),
    ...[...new Set(endpoints)].map((match) => `-A ${deciding} ${match} -j RETURN`),
    // Before what is never captured: the stub of systemd-resolved is an address of this machine.
    ...renderDns(plan.dns, family).map((rule) => `-A ${deciding} ${rule}`),
    ...[
      '! -p tcp',
      ...UNROUTED_TYPES[family].map((type) => `-m addrtype --dst-type ${type}`),
      family === 4 ? '-d 169.254.0.0/16' : '-d fe80::/10',
    ].map((match) => `-A ${deciding} ${match} -j RETURN`),
    // Goto, not jump: a RETURN among the groups leads back to OUTPUT.
    `-A ${deciding} -g ${groups}`,
  ];
}

/** Matches what a program that is chosen opens. */
export function renderProgram({ userId, groupId, cgroup }: ProgramMatch): string {
  const owner = [
    ...(userId === null ? [] : [`--uid-owner ${userId}`]),
    ...(groupId === null ? [] : [`--gid-owner ${groupId}`]),
  ];
  return [
    ...(owner.length === 0 ? [] : ['-m owner', ...owner]),
    // Within quotes iptables-restore takes a backslash for an escape.
    ...(cgroup === null ? [] : [`-m cgroup --path "${cgroup.replaceAll('\\', '\\\\')}"`]),
  ].join(' ');
}

/** What DNS goes by. */
const PROTOCOLS = ['udp', 'tcp'] as const;

/** As many as one match takes (iptables-extensions(8), multiport). */
export const MULTIPORT_PORTS = 15;

/** In parts of a size. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

function renderDns(dns: OwnedPlan['dns'], family: IpFamily): string[] {
  if (dns === null) return [];
  const isOfFamily = (address: string): boolean => familyOf(address) === family;
  const passing = chunksOf(dns.exemptPorts, MULTIPORT_PORTS).flatMap((ports) =>
    PROTOCOLS.map(
      (protocol) =>
        `-p ${protocol} -m ${protocol} --dport 53 -m multiport --sports ${ports.join(',')} -j RETURN`,
    ),
  );
  const redirects = dns.redirects
    .filter(({ nameserver }) => isOfFamily(nameserver))
    .flatMap(({ nameserver, port }) =>
      PROTOCOLS.map(
        (protocol) =>
          `-d ${nameserver}/${family === 4 ? 32 : 128} -p ${protocol} -m ${protocol} --dport 53 -j REDIRECT --to-ports ${port}`,
      ),
    );
  return [...passing, ...redirects];
}

/** The rule for one interval. @param capture the target for what is captured */
export function renderInterval(
  family: IpFamily,
  protocol: 'tcp' | 'udp',
  ports: PortRange,
  interval: AddressInterval,
  { chain, capture }: { readonly chain: string; readonly capture: string },
): string {
  const target = interval.action === 'capture' ? capture : 'RETURN';
  const match = `${addressMatch(family, interval)}-p ${protocol}${portMatch(protocol, ports)}`;
  return `-A ${chain} ${match} -j ${target}`;
}

function portMatch(protocol: 'tcp' | 'udp', ports: PortRange): string {
  if (ports.first === ALL_PORTS.first && ports.last === ALL_PORTS.last) return '';
  return ` -m ${protocol} --dport ${formatIptablesPorts(ports)}`;
}

/** `443` or `8000:8999`. */
export function formatIptablesPorts({ first, last }: PortRange): string {
  return first === last ? `${first}` : `${first}:${last}`;
}

/** One network as `-d`, anything else as one `iprange`: cut into networks, an interval may need 62 rules (IPv6: 254). */
function addressMatch(family: IpFamily, { first, last }: AddressInterval): string {
  const prefixLength = prefixLengthOf({
    family,
    first: addressToNumber(family, first),
    last: addressToNumber(family, last),
  });
  if (prefixLength === undefined) return `-m iprange --dst-range ${first}-${last} `;
  return prefixLength === 0 ? '' : `-d ${first}/${prefixLength} `;
}
