import { prefixLengthOf } from '../../../net/address/cidr.ts';
import { addressToNumber, type IpFamily } from '../../../net/address/literal.ts';
import { ALL_PORTS, type PortRange } from '../../../net/address/port-range.ts';
import type { ProgramMatch } from '../program-match.ts';
import type { AddressInterval, OwnedPlan } from '../redirect-plan.ts';
import { type IptablesTable, iptablesChains, renderInstanceComment } from './iptables-chains.ts';
import {
  exemptPortsPass,
  type IptablesOptions,
  linkLocal,
  renderDns,
  renderExempt,
  UNDER_WAY_PASSES,
  unrouted,
} from './iptables-decisions.ts';
import { incomingJump, renderIncoming } from './iptables-incoming.ts';

/**
 * Renders redirect plans for iptables-restore(8) and ip6tables-restore(8) with `--noflush`, one text per family. Pure.
 *
 * Two chains: `TSHUTTLE-PORT` says what is never captured, `TSHUTTLE-PORT-G` has the port groups. Where only some programs are captured,
 * `TSHUTTLE-PORT` chooses them, and `TSHUTTLE-PORT-O` says the rest. Two more are for what others send (iptables-incoming.ts). Each text
 * is one transaction (native-notes/iptables.md).
 */

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
    ...renderIncoming(plan, options),
    ...(options.jumpAt === 'there' ? [] : [`-I OUTPUT ${options.jumpAt} -j ${entry}`]),
    ...incomingJump(plan, options),
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
  return [
    `-A ${entry} ${renderInstanceComment(instance, plan.order)}`,
    `-A ${entry} ${UNDER_WAY_PASSES}`,
    ...(plan.only ?? []).map((match) => `-A ${entry} ${renderProgram(match)} -g ${chosen}`),
    ...renderExempt(plan, family).map((rule) => `-A ${deciding} ${rule}`),
    // Before what is never captured: the stub of systemd-resolved is an address of this machine.
    ...[...exemptPortsPass(plan.dns), ...renderDns(plan.dns, family)].map((rule) => `-A ${deciding} ${rule}`),
    ...['! -p tcp', ...unrouted(family), linkLocal(family)].map(
      (match) => `-A ${deciding} ${match} -j RETURN`,
    ),
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
