import { familyOf, type IpFamily } from '../../../net/address/literal.ts';
import { ALL_PORTS, formatPortRange, type PortRange } from '../../../net/address/port-range.ts';
import type { ProgramMatch } from '../program-match.ts';
import type { OwnedPlan, RedirectPlan } from '../redirect-plan.ts';
import { EXEMPT_PORT_SET, mapName, mapsOf } from './nft-sets.ts';

/** Before the NAT of Docker, firewalld and iptables-nft (all -100): at one hook the first decision stands. */
const HOOK_PRIORITY = -110;

/** Behind the chains of mangle (-150), whose rules are to see where a connection was going to. Those beyond it are asked as they came. */
const MAX_ORDER = 40;

/** Where the rules of a plan are asked: those of a later tunnel before those of an earlier one, in whatever order they were set. */
export function priorityOf({ order = 1 }: Pick<OwnedPlan, 'order'>): number {
  return HOOK_PRIORITY + 1 - Math.min(order, MAX_ORDER);
}

/** The {@link OwnedPlan.order} of the tunnels whose output chains are at these priorities. */
export function orderAt(priority: number): number {
  return HOOK_PRIORITY + 1 - priority;
}

/** Addresses of one link: routers do not carry them, and 169.254.169.254 is the cloud's metadata service. */
const LINK_LOCAL: Readonly<Record<IpFamily, string>> = { 4: '169.254.0.0/16', 6: 'fe80::/10' };

/** The chain that decides about each connection that this machine opens, and that of the programs to which it is left, if only some are captured. */
export function renderOutput(plan: OwnedPlan, generation: number): string[] {
  const gate = gateByProgram(plan, CHOSEN_CHAIN, renderDecisions(plan, generation, OWN, redirectQuery));
  return [
    ...gate.chains,
    ...renderChain('output', [
      `type nat hook output priority ${priorityOf(plan)}; policy accept;`,
      UNDER_WAY_PASSES,
      ...gate.rules,
    ]),
  ];
}

/** The statements that empty the chains of {@link renderOutput} before they are rendered anew in the same transaction. */
export function renderOutputReset(table: string, plan: Pick<RedirectPlan, 'only'>): string[] {
  return [`flush chain ${table} output`, ...gateReset(table, CHOSEN_CHAIN, plan)];
}

/** Decides about what chosen programs open. */
export const CHOSEN_CHAIN = 'chosen';

/** Rules that hold for all programs, or for those that a plan chooses: in a chain of their own, and what leads to it. */
export function gateByProgram(
  plan: OwnedPlan,
  chain: string,
  rules: readonly string[],
): { readonly chains: readonly string[]; readonly rules: readonly string[] } {
  if (plan.only === null) return { chains: [], rules };
  return { chains: renderChain(chain, rules), rules: renderPrograms(plan, chain, plan.only) };
}

/** The statements that empty the chain of {@link gateByProgram}. */
export function gateReset(table: string, chain: string, { only }: Pick<RedirectPlan, 'only'>): string[] {
  return only === null ? [] : [`add chain ${table} ${chain}`, `flush chain ${table} ${chain}`];
}

/** By what matches, never by what does not: of a socket that has no process the kernel knows none of it, and no test holds (nft_meta.c). */
function renderPrograms(
  { cgroupFolder = '' }: OwnedPlan,
  chain: string,
  only: readonly ProgramMatch[],
): string[] {
  return only.map(({ userId, groupId, cgroup }) => {
    const tests = [
      ...(userId === null ? [] : [`meta skuid ${userId}`]),
      ...(groupId === null ? [] : [`meta skgid ${groupId}`]),
      ...(cgroup === null
        ? []
        : [`socket cgroupv2 level ${cgroup.split('/').length} "${cgroupFolder}${cgroup}"`]),
    ];
    return `${tests.join(' ')} goto ${chain}`;
  });
}

/** A chain of rules. */
export function renderChain(name: string, rules: readonly string[]): string[] {
  return [`  chain ${name} {`, ...rules.map((rule) => `    ${rule}`), '  }'];
}

/** The tracker takes a connection that it has not seen begin for a new one (native-notes/connections-under-way.md). */
export const UNDER_WAY_PASSES = 'tcp flags & (fin | syn | rst | ack) != syn return';

/** Lets pass what no router carries to one other machine. */
export const UNROUTED_PASSES = 'fib daddr type { local, broadcast, multicast, anycast } return';

/** In which the decisions about this machine's own connections and about those of others are not alike. */
export interface Originators {
  /** Rules for what nobody ever sends to us, but for queries to nameservers. */
  readonly never: readonly string[];
  /** Whether the tunnels, which ask nameservers themselves, are among those who ask them. */
  readonly areTunnels: boolean;
}

/** This machine itself. */
export const OWN: Originators = { never: [UNROUTED_PASSES], areTunnels: true };

/** What becomes of a query to a nameserver for which we answer at a port. */
type QueryVerdict = (port: number) => string;

/** Of a chain of the type nat. */
export const redirectQuery: QueryVerdict = (port) => `redirect to :${port}`;

/** What is decided about a connection that begins, in this order. */
export function renderDecisions(
  plan: RedirectPlan,
  generation: number,
  originators: Originators,
  queryVerdict: QueryVerdict,
): string[] {
  return [
    ...renderExempt(plan),
    // Before what is never captured: the stub of systemd-resolved is an address of this machine.
    ...renderDnsRules(plan, originators, queryVerdict),
    plan.udp !== 'direct' ? 'meta l4proto != tcp meta l4proto != udp return' : 'meta l4proto != tcp return',
    ...renderSubnetDecisions(plan, generation, originators),
  ];
}

/** What is decided by where it goes: of TCP, and of UDP where that is refused. */
export function renderSubnetDecisions(
  plan: RedirectPlan,
  generation: number,
  { never }: Originators,
): string[] {
  return [
    ...never,
    ...plan.families.map((family) => `${destination(family)} ${LINK_LOCAL[family]} return`),
    ...(plan.udp !== 'direct' ? ['meta l4proto udp jump spare_udp'] : []),
    ...mapsOf(plan).map(
      ({ index, family, ports }) =>
        `${portMatch(ports, plan)}${destination(family)} vmap @${mapName(generation, index, family)}`,
    ),
  ];
}

/** The rules that let pass what is exempt. */
export function renderExempt({ families }: RedirectPlan): string[] {
  return families.map((family) => `${destination(family)} . tcp dport @exempt${family} return`);
}

/** What DNS goes by. */
const PROTOCOLS = ['udp', 'tcp'] as const;

/**
 * A DNS message whose QR bit says that it is an answer (RFC 1035, 4.1.1): a server of this machine gives it to a nameserver that
 * has asked from its own port 53 before the tracker saw it.
 */
const ANSWERS_PASS = 'udp dport 53 @th,80,1 1 return';

/** The rules about queries. A rule for each: a set that came or went with the rules would fail packets, and these are few. */
export function renderDnsRules(
  { dns, families }: RedirectPlan,
  { areTunnels }: Originators,
  verdict: QueryVerdict,
): string[] {
  if (dns === null) return [];
  const passing = PROTOCOLS.map(
    (protocol) => `${protocol} dport 53 ${protocol} sport @${EXEMPT_PORT_SET} return`,
  );
  const redirects = dns.redirects.flatMap(({ nameserver, port }) => {
    const family = familyOf(nameserver);
    if (!families.includes(family)) return [];
    return PROTOCOLS.map(
      (protocol) => `${destination(family)} ${nameserver} ${protocol} dport 53 ${verdict(port)}`,
    );
  });
  return [ANSWERS_PASS, ...(areTunnels ? passing : []), ...redirects];
}

function portMatch(ports: PortRange, { udp }: Pick<RedirectPlan, 'udp'>): string {
  const isAll = ports.first === ALL_PORTS.first && ports.last === ALL_PORTS.last;
  return isAll ? '' : `${udp !== 'direct' ? 'th' : 'tcp'} dport ${formatPortRange(ports)} `;
}

function destination(family: IpFamily): string {
  return family === 4 ? 'ip daddr' : 'ip6 daddr';
}
