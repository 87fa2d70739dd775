import {
  addressToNumber,
  familyOf,
  type IpFamily,
  numberToAddress,
} from '../../../src/net/address/literal.ts';
import { AddressTable } from './address-table.ts';
import { parseRuleset } from './parse-ruleset.ts';
import type {
  AnchorCall,
  Direction,
  Ends,
  FilterRule,
  Match,
  Protocol,
  Ruleset,
  TranslationRule,
} from './ruleset.ts';

/** A connection, or the first datagram of an exchange. */
export interface Attempt {
  readonly protocol: Protocol;
  /** Left out: the address of the interface that it leaves by. */
  readonly source?: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly port: number;
  readonly userId?: number;
  readonly groupId?: number;
  /** Of TCP: false for a packet of a connection that was open before. */
  readonly isSyn?: boolean;
}

/** What becomes of it. */
export type Outcome =
  /** It reaches a socket of this machine, whose answer comes back. */
  | { readonly kind: 'here'; readonly address: string; readonly port: number }
  /** It leaves. */
  | { readonly kind: 'direct'; readonly by: string }
  /** Nobody answers. */
  | { readonly kind: 'hangs' }
  /** The sender is told by the kernel that it may not. */
  | { readonly kind: 'EPERM' }
  | { readonly kind: 'refused' };

/** A machine's network. */
export interface PfNetwork {
  readonly interfaces: readonly {
    readonly name: string;
    readonly addresses: readonly string[];
    /** Destinations that leave by it, `0.0.0.0/0` where it is the default. */
    readonly networks: readonly string[];
    /** Its own addresses are not routed by lo0, as those of a VPN's point-to-point device. */
    readonly isPointToPoint?: boolean;
  }[];
}

interface Packet {
  readonly protocol: Protocol;
  readonly family: IpFamily;
  readonly from: bigint;
  readonly fromPort: number;
  readonly to: bigint;
  readonly toPort: number;
  readonly isSyn: boolean;
  readonly userId: number;
  readonly groupId: number;
  tag: string | undefined;
}

type Tuple = Pick<Packet, 'protocol' | 'family' | 'from' | 'fromPort' | 'to' | 'toPort'>;

/** As a packet was when it came by, and as it went on: the answer is turned back into what answers the first. */
interface State {
  readonly direction: Direction;
  readonly before: Tuple;
  readonly after: Tuple;
  readonly route: FilterRule['route'];
}

type Verdict =
  | { readonly kind: 'pass'; readonly packet: Packet; readonly by: string | undefined }
  | { readonly kind: 'block'; readonly returns: boolean };

const LOOPBACK_INTERFACE = 'lo0';
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];
const EMPTY: Ruleset = parseRuleset('');

/**
 * What pf makes of connections that a machine opens, by the rules of its main ruleset and its anchors, as it was seen on a kernel
 * (native-notes/pf.md): translation by the first rule that matches, filtering by the last or by the first `quick` one, tags, tables, anchors
 * by name, states, `route-to` and `reply-to`. It forwards nothing.
 */
export class PfEvaluator {
  readonly #network: PfNetwork['interfaces'];
  readonly #routes: readonly {
    readonly name: string;
    readonly length: number;
    readonly table: AddressTable;
  }[];
  readonly #own: ReadonlySet<string>;
  #main: Ruleset;
  readonly #anchors = new Map<string, Ruleset>();
  readonly #states: State[] = [];

  constructor({ interfaces }: PfNetwork, main: string) {
    this.#network = interfaces;
    this.#routes = interfaces
      .flatMap(({ name, networks }) =>
        networks.map((network) => ({
          name,
          length: Number(network.split('/')[1]),
          table: new AddressTable([network]),
        })),
      )
      .sort((a, b) => b.length - a.length);
    this.#own = new Set(
      [...LOOPBACK_ADDRESSES, ...interfaces.flatMap(({ addresses }) => addresses)].map((address) =>
        keyOf(familyOf(address), addressToNumber(familyOf(address), address)),
      ),
    );
    this.#main = parseRuleset(main);
  }

  /** `pfctl -f -`: what a foreign program may do. */
  loadMain(text: string): void {
    this.#main = parseRuleset(text);
  }

  /** `pfctl -a ANCHOR -f -`. */
  load(anchor: string, text: string): void {
    this.#anchors.set(anchor, parseRuleset(text));
  }

  /** `pfctl -a ANCHOR -F all`; what has a state goes on. */
  flush(anchor: string): void {
    this.#anchors.delete(anchor);
  }

  /** A table of an anchor, which may be changed. */
  table(anchor: string, name: string): AddressTable {
    return this.#anchors.get(anchor)!.tables.get(name)!;
  }

  /** How many states there are: two for each captured connection. */
  get stateCount(): number {
    return this.#states.length;
  }

  /** Forgets all states. */
  forget(): void {
    this.#states.length = 0;
  }

  /** What becomes of a connection that this machine opens. */
  connect(attempt: Attempt): Outcome {
    const family = familyOf(attempt.destination);
    const to = addressToNumber(family, attempt.destination);
    const by = this.#routeOf(family, to);
    if (by === undefined) throw new Error(`no route to ${attempt.destination}`);
    const source = attempt.source ?? this.#sourceFor(family, to, by);
    const packet: Packet = {
      protocol: attempt.protocol,
      family,
      from: addressToNumber(family, source),
      fromPort: attempt.sourcePort,
      to,
      toPort: attempt.port,
      isSyn: attempt.isSyn ?? true,
      userId: attempt.userId ?? 501,
      groupId: attempt.groupId ?? 20,
      tag: undefined,
    };
    const sent = this.#send(packet, by);
    if ('kind' in sent) return sent;
    if (sent.by !== LOOPBACK_INTERFACE) {
      const answered = this.#pass(answerTo(sent.packet), 'in', sent.by);
      return answered.kind === 'block' ? { kind: 'hangs' } : { kind: 'direct', by: sent.by };
    }
    return this.#arrive(sent.packet, packet);
  }

  /** Puts a packet on the way: out by an interface, or by the one that a rule says. */
  #send(packet: Packet, by: string): { readonly packet: Packet; readonly by: string } | Outcome {
    const verdict = this.#pass(packet, 'out', by);
    if (verdict.kind === 'block') return verdict.returns ? { kind: 'refused' } : { kind: 'EPERM' };
    if (verdict.by === undefined || verdict.by === by) return { packet: verdict.packet, by };
    const again = this.#pass(verdict.packet, 'out', verdict.by);
    if (again.kind === 'block') return again.returns ? { kind: 'refused' } : { kind: 'EPERM' };
    return { packet: again.packet, by: verdict.by };
  }

  /** In by lo0, to a socket here, whose answer has to find its way back, and to come from whom was asked. */
  #arrive(sent: Packet, asked: Tuple): Outcome {
    const verdict = this.#pass(sent, 'in', LOOPBACK_INTERFACE);
    if (verdict.kind === 'block') return verdict.returns ? { kind: 'refused' } : { kind: 'hangs' };
    const { packet } = verdict;
    if (!this.#isOwn(packet.family, packet.to)) return { kind: 'hangs' };
    // The reply's source is ::1 and has no way to another address (FreeBSD's check of scopes).
    const isStuck = packet.family === 6 && packet.to === 1n && packet.from !== 1n && packet.to !== sent.to;
    if (isStuck) return { kind: 'hangs' };
    const answer = this.#send(answerTo(packet), this.#wayBackTo(packet));
    if ('kind' in answer || answer.by !== LOOPBACK_INTERFACE) return { kind: 'hangs' };
    const received = this.#pass(answer.packet, 'in', LOOPBACK_INTERFACE);
    if (received.kind === 'block') return { kind: 'hangs' };
    if (!isSame(received.packet, turned(asked))) return { kind: 'hangs' };
    return { kind: 'here', address: numberToAddress(packet.family, packet.to), port: packet.toPort };
  }

  #wayBackTo({ family, from }: Packet): string {
    const owner = this.#network.find(({ addresses }) =>
      addresses.some((address) => familyOf(address) === family && addressToNumber(family, address) === from),
    );
    return owner?.isPointToPoint === true ? owner.name : LOOPBACK_INTERFACE;
  }

  #routeOf(family: IpFamily, to: bigint): string | undefined {
    if (this.#isOwn(family, to) || isLoopbackNetwork(family, to)) return LOOPBACK_INTERFACE;
    return this.#routes.find(({ table }) => table.has(family, to))?.name;
  }

  #sourceFor(family: IpFamily, to: bigint, by: string): string {
    // A connection to an address of this machine comes from it.
    if (by === LOOPBACK_INTERFACE)
      return this.#isOwn(family, to) ? numberToAddress(family, to) : LOOPBACK_ADDRESSES[0]!;
    const owner = this.#network.find(({ name }) => name === by);
    const address = owner?.addresses.find((one) => familyOf(one) === family);
    if (address === undefined) throw new Error(`${by} has no IPv${family} address`);
    return address;
  }

  #isOwn(family: IpFamily, address: bigint): boolean {
    return this.#own.has(keyOf(family, address));
  }

  #pass(packet: Packet, direction: Direction, by: string): Verdict {
    if (this.#main.skipped.has(by)) return { kind: 'pass', packet, by: undefined };
    return this.#byState(packet, direction) ?? this.#byRules(packet, direction, by);
  }

  #byState(packet: Packet, direction: Direction): Verdict | undefined {
    for (const { direction: ofState, before, after, route } of this.#states) {
      if (ofState === direction && isSame(packet, before)) {
        const by = route?.kind === 'route-to' ? route.by : undefined;
        return { kind: 'pass', packet: { ...packet, ...after }, by };
      }
      if (ofState !== direction && isSame(packet, turned(after))) {
        const by = route?.kind === 'reply-to' ? route.by : undefined;
        return { kind: 'pass', packet: { ...packet, ...turned(before) }, by };
      }
    }
    return undefined;
  }

  #byRules(packet: Packet, direction: Direction, by: string): Verdict {
    const translation = this.#translationOf(packet, direction, by);
    const translated = translation === undefined ? packet : translate(packet, translation);
    const rule = translation?.pass === true ? undefined : this.#filterRuleOf(translated, direction, by);
    if (rule?.action === 'block') return { kind: 'block', returns: rule.returns };
    // What is translated has a state even where no rule keeps one.
    if (rule?.keepsState === true || translation !== undefined) {
      this.#states.push({
        direction,
        before: tupleOf(packet),
        after: tupleOf(translated),
        route: rule?.route,
      });
    }
    return {
      kind: 'pass',
      packet: translated,
      by: rule?.route?.kind === 'route-to' ? rule.route.by : undefined,
    };
  }

  #translationOf(packet: Packet, direction: Direction, by: string): TranslationRule | undefined {
    const kind = direction === 'in' ? 'rdr' : 'nat';
    const search = (ruleset: Ruleset): TranslationRule | undefined => {
      for (const rule of ruleset.translation) {
        if (rule.kind === 'anchor') {
          if (rule.of !== kind) continue;
          for (const child of this.#called(rule)) {
            const found = search(child);
            if (found !== undefined) return found;
          }
        } else if (rule.kind === kind && this.#matches(rule, packet, by, ruleset)) {
          if (rule.tag !== undefined) packet.tag = rule.tag;
          return rule;
        }
      }
      return undefined;
    };
    const found = search(this.#main);
    return found?.no === true ? undefined : found;
  }

  #filterRuleOf(packet: Packet, direction: Direction, by: string): FilterRule | undefined {
    let last: FilterRule | undefined;
    /** @returns whether a quick rule has decided */
    const ask = (ruleset: Ruleset): boolean => {
      for (const rule of ruleset.filter) {
        if (rule.kind === 'anchor') {
          if (this.#called(rule).some(ask)) return true;
          continue;
        }
        if (rule.direction !== undefined && rule.direction !== direction) continue;
        if (rule.onlySyn && packet.protocol === 'tcp' && !packet.isSyn) continue;
        if (rule.user !== undefined && (rule.user.id === packet.userId) === rule.user.negated) continue;
        if (rule.group !== undefined && rule.group !== packet.groupId) continue;
        if (!this.#matches(rule, packet, by, ruleset)) continue;
        if (rule.tag !== undefined) packet.tag = rule.tag;
        last = rule;
        if (rule.quick) return true;
      }
      return false;
    };
    ask(this.#main);
    return last;
  }

  /** The rulesets that an anchor stands for: those below a wildcard by name. */
  #called({ path }: AnchorCall): readonly Ruleset[] {
    if (!path.endsWith('/*')) return [this.#anchors.get(path) ?? EMPTY];
    const parent = path.slice(0, -1);
    return [...this.#anchors]
      .filter(([name]) => name.startsWith(parent) && !name.slice(parent.length).includes('/'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, ruleset]) => ruleset);
  }

  #matches(rule: Match, packet: Packet, by: string, ruleset: Ruleset): boolean {
    const { on, family, protocols, tagged, from, to } = rule;
    if (on !== undefined && on.names.includes(by) === on.negated) return false;
    if (family !== undefined && family !== packet.family) return false;
    if (protocols !== undefined && !protocols.includes(packet.protocol)) return false;
    if (tagged !== undefined && tagged !== packet.tag) return false;
    return (
      this.#isAt(to, packet.family, packet.to, packet.toPort, ruleset) &&
      this.#isAt(from, packet.family, packet.from, packet.fromPort, ruleset)
    );
  }

  #isAt(ends: Ends, family: IpFamily, address: bigint, port: number, ruleset: Ruleset): boolean {
    const { hosts, ports, negated } = ends;
    if (
      ports !== undefined &&
      !ports.some((test) => (test.first <= port && port <= test.last) !== test.negated)
    ) {
      return false;
    }
    if (hosts === undefined) return true;
    const isIn = hosts.some((host) => {
      const table = host instanceof AddressTable ? host : this.#tableOf(host.table, ruleset);
      return table?.has(family, address) === true;
    });
    return isIn !== negated;
  }

  /** An anchor may use the tables of the main ruleset. */
  #tableOf(name: string, ruleset: Ruleset): AddressTable | undefined {
    return ruleset.tables.get(name) ?? this.#main.tables.get(name);
  }
}

function translate(packet: Packet, { kind, target }: TranslationRule): Packet {
  if (target === undefined) return packet;
  return kind === 'rdr'
    ? { ...packet, to: target.address, toPort: target.port ?? packet.toPort }
    : { ...packet, from: target.address, fromPort: target.port ?? packet.fromPort };
}

function answerTo(packet: Packet): Packet {
  return { ...packet, ...turned(packet), isSyn: false, tag: undefined };
}

function turned({ protocol, family, from, fromPort, to, toPort }: Tuple): Tuple {
  return { protocol, family, from: to, fromPort: toPort, to: from, toPort: fromPort };
}

function tupleOf({ protocol, family, from, fromPort, to, toPort }: Packet): Tuple {
  return { protocol, family, from, fromPort, to, toPort };
}

function isSame(a: Tuple, b: Tuple): boolean {
  return (
    a.fromPort === b.fromPort &&
    a.toPort === b.toPort &&
    a.protocol === b.protocol &&
    a.family === b.family &&
    a.from === b.from &&
    a.to === b.to
  );
}

function keyOf(family: IpFamily, address: bigint): string {
  return `${family} ${address}`;
}

function isLoopbackNetwork(family: IpFamily, address: bigint): boolean {
  return family === 4 ? address >> 24n === 127n : address === 1n;
}
