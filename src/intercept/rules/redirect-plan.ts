import type { Endpoint } from '../../net/address/endpoint.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import type { PortRange } from '../../net/address/port-range.ts';
import type { PlainNetwork, TrafficSource } from '../../net/address/traffic-source.ts';
import type { ProgramMatch } from './program-match.ts';
import type { ResolverFiles } from './resolver-files.ts';
import type { PacketMark } from './tproxy/packet-mark.ts';

/** Addresses from `first` to `last`, both included, as literal addresses of one family. */
export interface AddressInterval {
  readonly first: string;
  readonly last: string;
  /** `capture` redirects to our listener; `pass` leaves the connection alone. */
  readonly action: 'capture' | 'pass';
}

/** What is decided for one set of ports; addresses in no interval are decided by the next group. */
export interface PortGroup {
  readonly ports: PortRange;
  /** Disjoint and ascending. */
  readonly intervals4: readonly AddressInterval[];
  /** Disjoint and ascending. */
  readonly intervals6: readonly AddressInterval[];
}

/** Queries to a nameserver go to us instead. */
export interface NameserverRedirect {
  /** A literal address; its port 53 is redirected, also where it is one of this machine's own. */
  readonly nameserver: string;
  /** Where we answer on the loopback address of the family, by UDP and TCP: it tells whom the client has asked. */
  readonly port: number;
}

/** Queries that are answered by our forwarder instead. */
export interface DnsRedirect {
  readonly redirects: readonly NameserverRedirect[];
  /** Source ports, of UDP and TCP, of the forwarder's own queries to the nameservers: these pass. */
  readonly exemptPorts: readonly number[];
}

/** An IPv4 network that is to have a route: its first address and the length of its prefix. */
export interface RoutedNetwork {
  readonly address: string;
  readonly prefixLength: number;
}

/**
 * What becomes of UDP to what is captured by TCP. `reject`: new exchanges are refused at once, so that programs which can do with TCP
 * change over (QUIC), but for those that refused-udp.ts spares; `direct`: it leaves as if there were no tunnel; `relay`: what would be
 * refused is redirected to the UDP port of the listener's number. Of nft only.
 */
export const UDP_POLICIES = ['reject', 'direct', 'relay'] as const;
/** One of {@link UDP_POLICIES}. */
export type UdpPolicy = (typeof UDP_POLICIES)[number];
/** Whose connections and queries are captured beside this machine's own. They arrive at the interface that they come in by. */
export interface AlsoFrom {
  readonly sources: readonly TrafficSource[];
  /**
   * Networks on the links of the interfaces that they come in by: a bridge shows the rules what its members send to each other, and
   * that is not captured.
   */
  readonly links: readonly PlainNetwork[];
}

/** The whole desired state of the kernel's redirect rules for one tunnel. */
export interface RedirectPlan {
  /** Port of our listener on 127.0.0.1 and ::1; names the tunnel's rules with their owner, so that instances live side by side. */
  readonly listenerPort: number;
  /** The families that are redirected. */
  readonly families: readonly IpFamily[];
  /** Asked in this order; the first group that has both the port and the address decides. */
  readonly groups: readonly PortGroup[];
  /** Connections to these are never captured: the bastion's addresses that are dialled or connected. */
  readonly exempt: readonly Endpoint[];
  /** Null, which JSON can say, leaves DNS alone. */
  readonly dns: DnsRedirect | null;
  /**
   * `disguised`: what answers redirected connections seems to come from loopback while rules of others at the priority `raw` look
   * at it, as wg-quick's, which would drop it (native-notes/wg-quick.md). Once disguised, all later plans are. Nft only.
   */
  readonly replies: 'plain' | 'disguised';
  /** Whose connections and queries are captured: those of programs that match one of these. Null: everybody's; none: nobody's. */
  readonly only: readonly ProgramMatch[] | null;
  readonly udp: UdpPolicy;
  /** Null: no zone has a file. Of macOS only: elsewhere the queries are captured. */
  readonly resolverFiles: ResolverFiles | null;
  /** Null: this machine's own connections alone. Not by pf. */
  readonly alsoFrom: AlsoFrom | null;
  /** The bits by which packets are marked, for a method that marks them; null: any that no other tunnel has. */
  readonly tmark: number | null;
}

/**
 * What the rules of a tunnel are called by: the port of its listener, and whose it is. So no user can have rules of the name that
 * another's have. The client names the port alone; the helper knows whom it runs for.
 */
export interface RuleOwner {
  readonly userId: number;
  readonly listenerPort: number;
}

/** A plan with whose it is. */
export interface OwnedPlan extends RedirectPlan, RuleOwner {
  /**
   * Counts the tunnels of this machine by when their first rules came, 1 when left out. The rules of the latest are asked first, also
   * after all were removed and are put back in whatever order. All plans of a tunnel have the same.
   */
  readonly order?: number;
  /** Where cgroup2 is below /sys/fs/cgroup, with a slash after it; left out where it is that folder itself. */
  readonly cgroupFolder?: string;
  /** The source ports of UDP sockets that were there before the first rules: what they send is never refused. None when left out. */
  readonly udpInUse?: readonly number[];
  /** The mark that its packets get, where captured connections are diverted to the listener by it, and not redirected. */
  readonly diversion?: PacketMark;
}

/** The {@link OwnedPlan.order} of a tunnel whose first rules come now. @param others those of all other tunnels */
export function nextOrder(others: readonly number[]): number {
  return 1 + Math.max(0, ...others);
}

/** `1000-12300`, as it stands in the names of tables and chains. */
export function formatRuleOwner({ userId, listenerPort }: RuleOwner): string {
  return `${userId}-${listenerPort}`;
}

/** Whether two are of the same tunnel. */
export function isSameOwner(a: RuleOwner, b: RuleOwner): boolean {
  return a.userId === b.userId && a.listenerPort === b.listenerPort;
}

/** A pattern for what {@link formatRuleOwner} gives, with the user and the port as its groups. */
export const RULE_OWNER_PATTERN = '(\\d{1,10})-(\\d{1,5})';

/** Takes the groups of {@link RULE_OWNER_PATTERN}. */
export function parseRuleOwner(userId: string, listenerPort: string): RuleOwner {
  return { userId: Number(userId), listenerPort: Number(listenerPort) };
}

/**
 * The tunnels that were there before ours, by the ports from which they ask nameservers. The latest tunnel's rules are asked
 * first: what it passes on comes to the one before it, whose queries must not come back, or they would go in circles
 * (native-notes/dns-redirect.md). Rules that replace others keep their place, so those are earlier for good that were there
 * before our first ones, and what all others pass on has to come to us.
 */
export class EarlierTunnels {
  #ports: ReadonlySet<number> | undefined;

  /** A plan of ours that lets pass what they ask, too. @param others the ports of all other tunnels, before it is applied */
  passedBy<P extends RedirectPlan>(plan: P, others: readonly number[]): P {
    this.#ports ??= new Set(others);
    const ports = [...new Set(others)].filter((port) => this.#ports?.has(port));
    if (plan.dns === null || ports.length === 0) return plan;
    return { ...plan, dns: { ...plan.dns, exemptPorts: [...plan.dns.exemptPorts, ...ports] } };
  }
}
