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
  const decisions = renderDecisions(plan, generation, OWN);
  return [
    ...(plan.only === null ? [] : renderChain(CHOSEN_CHAIN, decisions)),
    ...renderChain('output', [
      `type nat hook output priority ${priorityOf(plan)}; policy accept;`,
      UNDER_WAY_PASSES,
      ...(plan.only === null ? decisions : renderPrograms(plan, plan.only)),
    ]),
  ];
}

/** The statements that empty the chains of {@link renderOutput} before they are rendered anew in the same transaction. */
export function renderOutputReset(table: string, { only }: Pick<RedirectPlan, 'only'>): string[] {
  const chosen = `chain ${table} ${CHOSEN_CHAIN}`;
  return [`flush chain ${table} output`, ...(only === null ? [] : [`add ${chosen}`, `flush ${chosen}`])];
}

/** Decides about what chosen programs open. */
const CHOSEN_CHAIN = 'chosen';

/** By what matches, never by what does not: of a socket that has no process the kernel knows none of it, and no test holds (nft_meta.c). */
function renderPrograms({ cgroupFolder = '' }: OwnedPlan, only: readonly ProgramMatch[]): string[] {
  return only.map(({ userId, groupId, cgroup }) => {
    const tests = [
      ...(userId === null ? [] : [`meta skuid ${userId}`]),
      ...(groupId === null ? [] : [`meta skgid ${groupId}`]),
      ...(cgroup === null
        ? []
        : [`socket cgroupv2 level ${cgroup.split('/').length} "${cgroupFolder}${cgroup}"`]),
    ];
    return `${tests.join(' ')} goto ${CHOSEN_CHAIN}`;
  });
}

function renderChain(name: string, rules: readonly string[]): string[] {
  return [`  chain ${name} {`, ...rules.map((rule) => `    ${rule}`), '  }'];
}

/** The tracker takes a connection that it has not seen begin for a new one (native-notes/connections-under-way.md). */
export const UNDER_WAY_PASSES = 'tcp flags & (fin | syn | rst | ack) != syn return';

/** Lets pass what no router carries to one other machine. */
export const UNROUTED_PASSES = 'fib daddr type { local, broadcast, multicast, anycast } return';

/** In which the decisions about this machine's own connections and about those of others are not alike. */
interface Originators {
  /** Rules for what nobody ever sends to us, but for queries to nameservers. */
  readonly never: readonly string[];
  /** Whether the tunnels, which ask nameservers themselves, are among those who ask them. */
  readonly areTunnels: boolean;
}

const OWN: Originators = { never: [UNROUTED_PASSES], areTunnels: true };

/** What is decided about a connection that begins, in this order. */
export function renderDecisions(
  plan: RedirectPlan,
  generation: number,
  { never, areTunnels }: Originators,
): string[] {
  return [
    ...plan.families.map((family) => `${destination(family)} . tcp dport @exempt${family} return`),
    // Before what is never captured: the stub of systemd-resolved is an address of this machine.
    ...renderDns(plan, areTunnels),
    plan.udp === 'reject' ? 'meta l4proto != tcp meta l4proto != udp return' : 'meta l4proto != tcp return',
    ...never,
    ...plan.families.map((family) => `${destination(family)} ${LINK_LOCAL[family]} return`),
    ...(plan.udp === 'reject' ? ['meta l4proto udp jump spare_udp'] : []),
    ...mapsOf(plan).map(
      ({ index, family, ports }) =>
        `${portMatch(ports, plan)}${destination(family)} vmap @${mapName(generation, index, family)}`,
    ),
  ];
}

/** What DNS goes by. */
const PROTOCOLS = ['udp', 'tcp'] as const;

/**
 * A DNS message whose QR bit says that it is an answer (RFC 1035, 4.1.1): a server of this machine gives it to a nameserver that
 * has asked from its own port 53 before the tracker saw it.
 */
const ANSWERS_PASS = 'udp dport 53 @th,80,1 1 return';

/** A rule for each: a set that came or went with the rules would fail packets, and these are few. */
function renderDns({ dns, families }: RedirectPlan, areTunnels: boolean): string[] {
  if (dns === null) return [];
  const passing = PROTOCOLS.map(
    (protocol) => `${protocol} dport 53 ${protocol} sport @${EXEMPT_PORT_SET} return`,
  );
  const redirects = dns.redirects.flatMap(({ nameserver, port }) => {
    const family = familyOf(nameserver);
    if (!families.includes(family)) return [];
    return PROTOCOLS.map(
      (protocol) => `${destination(family)} ${nameserver} ${protocol} dport 53 redirect to :${port}`,
    );
  });
  return [ANSWERS_PASS, ...(areTunnels ? passing : []), ...redirects];
}

function portMatch(ports: PortRange, { udp }: Pick<RedirectPlan, 'udp'>): string {
  const isAll = ports.first === ALL_PORTS.first && ports.last === ALL_PORTS.last;
  return isAll ? '' : `${udp === 'reject' ? 'th' : 'tcp'} dport ${formatPortRange(ports)} `;
}

function destination(family: IpFamily): string {
  return family === 4 ? 'ip daddr' : 'ip6 daddr';
}
