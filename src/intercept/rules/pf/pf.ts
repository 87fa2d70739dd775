import { DNS_PORT } from '../../../net/address/endpoint.ts';
import { addressToNumber, familyOf, type IpFamily, isLoopback } from '../../../net/address/literal.ts';
import { MAX_PF_ENTRIES, MAX_PF_TABLES } from '../plan-limits.ts';
import type { NameserverRedirect, OwnedPlan, RedirectPlan } from '../redirect-plan.ts';
import { capturedPorts, tooMuchForPf } from './captured-ports.ts';
import { EPHEMERAL_FROM, PF_LISTENERS, pfTags } from './pf-anchor.ts';
import { portList, portMatch, portsBetween } from './pf-ports.ts';
import { isLinkLocal6 } from './pf-problems.ts';
import { tableEntries } from './pf-table.ts';
import { refusedUdp, type UdpFacts } from './pf-udp.ts';
import { type Range, uniteRanges } from './ranges.ts';

/**
 * Renders redirect plans for `pfctl -a ANCHOR -f -`. Pure; nothing here runs anything (native-notes/pf.md).
 *
 *     out en0     pass out route-to lo0 ... tag TSH      a SYN to a captured address turns back into this machine
 *     in  lo0     rdr ... tagged TSH -> 127.0.0.1        where it gets our listener as its destination
 *     in  lo0     pass in reply-to lo0 ... tagged TSH    and what answers it goes back by lo0, wherever the source's address is
 *
 *     out en0     block return ... proto udp             UDP to a captured address is refused
 *
 * Each text is the whole anchor with its tables, one transaction. Every rule is `quick`, so that later rules of others do not decide
 * again. None says that something is left alone: what is not captured is in no table, and other tunnels' anchors are asked about it.
 */

/** What is known of the machine when the rules are rendered. */
export interface PfOptions extends UdpFacts {
  /** Where our listeners are. */
  readonly listeners: Readonly<Record<IpFamily, string>>;
  /** Whether a nameserver is this machine: a query to it goes by lo0 on its own. */
  readonly isOwn: (nameserver: string) => boolean;
}

/** Those of a machine that has no nameserver on any address of its own but loopback. */
export const PF_DEFAULTS: PfOptions = {
  listeners: PF_LISTENERS,
  isOwn: isLoopback,
  ephemeralFrom: EPHEMERAL_FROM.darwin,
  neverRefused: [],
};

/**
 * Renders the anchor of a tunnel. {@link RedirectPlan.replies} says nothing here: `reply-to` is for all.
 *
 * @throws TshuttleError ERR_CONFIG when the plan is larger than what pf holds
 */
export function renderPf(plan: OwnedPlan, options: PfOptions = PF_DEFAULTS): string {
  const tables = new Tables();
  const rules = plan.families.map((family) => renderFamily(plan, family, tables, options));
  const lines = [
    ...tables.lines,
    // Translation stands before filtering (pf.conf(5), STATEMENT ORDER).
    ...rules.flatMap(({ redirects }) => redirects),
    ...rules.flatMap(({ arrivals }) => arrivals),
    ...rules.flatMap(({ departures }) => departures),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Whose packets a rule is for, each with a space before it. The socket says it, where the packet leaves (pf.conf(5), user). */
function programsOf({ only }: RedirectPlan): readonly string[] {
  if (only === null) return [''];
  return only
    .filter(({ cgroup }) => cgroup === null)
    .map(
      ({ userId, groupId }) =>
        `${userId === null ? '' : ` user ${userId}`}${groupId === null ? '' : ` group ${groupId}`}`,
    );
}

/** The tables of one anchor. What is equal is one table. */
class Tables {
  readonly lines: string[] = [];
  readonly #byRanges = new Map<readonly Range[], string>();
  readonly #byEntries = new Map<string, string>();
  #entryCount = 0;

  /** The name of the table that holds these addresses. */
  holding(family: IpFamily, ranges: readonly Range[]): string {
    const name = this.#byRanges.get(ranges) ?? this.#add(tableEntries(family, ranges));
    this.#byRanges.set(ranges, name);
    return name;
  }

  #add(entries: readonly string[]): string {
    const key = entries.join(', ');
    const known = this.#byEntries.get(key);
    if (known !== undefined) return known;
    // With a prefix: a table called `all` is a syntax error.
    const name = `<tsh_${this.#byEntries.size + 1}>`;
    this.#byEntries.set(key, name);
    this.#entryCount += entries.length;
    if (this.#byEntries.size > MAX_PF_TABLES || this.#entryCount > MAX_PF_ENTRIES) throw tooMuchForPf();
    this.lines.push(`table ${name} { ${key} }`);
    return name;
  }
}

interface FamilyRules {
  readonly redirects: readonly string[];
  readonly arrivals: readonly string[];
  readonly departures: readonly string[];
}

function renderFamily(plan: OwnedPlan, family: IpFamily, tables: Tables, options: PfOptions): FamilyRules {
  const inet = family === 4 ? 'inet' : 'inet6';
  const listener = options.listeners[family];
  const tags = pfTags(plan);
  const notExempt = `any${portsBetween(plan.dns?.exemptPorts ?? [])}`;
  const redirects: string[] = [];
  const arrivals = new Set<string>();
  const departures: string[] = [];

  const arrive = (protocol: Protocol, port: number, tag: string): void => {
    arrivals.add(
      `pass in quick on lo0 reply-to lo0 ${inet} proto ${protocol} from any to ${listener} port ${port}${FLAGS[protocol]} tagged ${tag} keep state`,
    );
  };
  const programs = programsOf(plan);
  const depart = (protocol: Protocol, by: string, from: string, to: string, tag: string): void => {
    departures.push(
      ...programs.map(
        (program) =>
          `pass out quick on ${by} ${inet} proto ${protocol} from ${from} to ${to}${program}${FLAGS[protocol]} tag ${tag} keep state`,
      ),
    );
  };

  for (const { port, isOwn, protocol, ranges } of queriesOf(plan, family, options)) {
    const to = `${tables.holding(family, ranges)} port ${DNS_PORT}`;
    redirects.push(
      `rdr on lo0 ${inet} proto ${protocol} from any to ${to} tagged ${tags.dns} -> ${listener} port ${port}`,
    );
    arrive(protocol, port, tags.dns);
    // What goes by lo0 on its own is tagged as well: the state lets its answer come in, whatever others block.
    depart(protocol, isOwn ? 'lo0' : TURNED_BACK, notExempt, to, tags.dns);
  }

  const captured = capturedPorts(plan, family);
  for (const { ports, ranges } of captured) {
    const from = ports.first === DNS_PORT && ports.last === DNS_PORT ? notExempt : 'any';
    depart('tcp', TURNED_BACK, from, `${tables.holding(family, ranges)}${portMatch(ports)}`, tags.flow);
  }
  if (captured.length > 0) {
    // Not `to any` alone: that would take connections to this machine's own addresses.
    redirects.push(
      `rdr on lo0 ${inet} proto tcp from any to any tagged ${tags.flow} -> ${listener} port ${plan.listenerPort}`,
    );
    arrive('tcp', plan.listenerPort, tags.flow);
  }
  const refused = refusedUdp(plan, family, captured, options);
  for (const { ports, ranges } of refused.to) {
    const [from, to] = [`any port ${portList(refused.from)}`, tables.holding(family, ranges)];
    departures.push(
      `block return out quick on ! lo0 ${inet} proto udp from ${from} to ${to} port ${portList(ports)}`,
    );
  }
  return { redirects, arrivals: [...arrivals], departures };
}

/** What leaves by any other interface comes in by lo0. */
const TURNED_BACK = '! lo0 route-to lo0';

/** What DNS goes by. */
const PROTOCOLS = ['udp', 'tcp'] as const;
type Protocol = (typeof PROTOCOLS)[number];

/** Only a SYN starts anything: connections that were open before the rules go on as they are. */
const FLAGS: Readonly<Record<Protocol, string>> = { udp: '', tcp: ' flags S/SA' };

/** Nameservers whose queries by one protocol go to one port of ours. */
interface Queries {
  readonly port: number;
  readonly isOwn: boolean;
  readonly protocol: Protocol;
  readonly ranges: readonly Range[];
}

function queriesOf(
  { dns, exempt }: RedirectPlan,
  family: IpFamily,
  { isOwn }: PfOptions,
): readonly Queries[] {
  const nameservers = (dns?.redirects ?? []).filter(
    ({ nameserver }) => familyOf(nameserver) === family && !isLinkLocal6(nameserver),
  );
  const byPort = new Map<string, NameserverRedirect[]>();
  for (const redirect of nameservers) {
    const key = `${redirect.port} ${isOwn(redirect.nameserver)}`;
    byPort.set(key, [...(byPort.get(key) ?? []), redirect]);
  }
  const isExempt = ({ nameserver }: NameserverRedirect): boolean =>
    exempt.some(
      (one) =>
        one.family === family &&
        one.port === DNS_PORT &&
        addressToNumber(family, one.address) === addressToNumber(family, nameserver),
    );
  return [...byPort.values()].flatMap((redirects) =>
    PROTOCOLS.flatMap((protocol) => {
      const asked = protocol === 'tcp' ? redirects.filter((redirect) => !isExempt(redirect)) : redirects;
      if (asked.length === 0) return [];
      const { nameserver, port } = redirects[0]!;
      return [{ port, isOwn: isOwn(nameserver), protocol, ranges: addressRanges(family, asked) }];
    }),
  );
}

function addressRanges(family: IpFamily, redirects: readonly NameserverRedirect[]): readonly Range[] {
  return redirects
    .map(({ nameserver }) => addressToNumber(family, nameserver))
    .map((value): readonly Range[] => [{ first: value, last: value }])
    .reduce(uniteRanges, []);
}
