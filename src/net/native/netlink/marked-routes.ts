import { addressBytes, type IpFamily } from '../../address/literal.ts';
import { attribute, attributeAt, type NetlinkAnswer, type NetlinkSocket, openNetlink } from './netlink.ts';

/** linux/netlink.h, linux/rtnetlink.h, linux/fib_rules.h. */
export const NETLINK_ROUTE = 0;
const RTM_NEWROUTE = 24;
/** A route has gone. */
export const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const RTM_NEWRULE = 32;
/** A routing rule has gone. */
export const RTM_DELRULE = 33;
const RTM_GETRULE = 34;

/** sys/socket.h. */
export const AF_OF: Readonly<Record<IpFamily, number>> = { 4: 2, 6: 10 };

/** struct fib_rule_hdr and struct rtmsg: 8 bytes, then flags. */
const HEADER_BYTES = 12;
const FR_ACT_TO_TBL = 1;
const ACTION_OFFSET = 7;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_PROTOCOL = 21;

const LENGTH_OFFSET = 1;
const PROTOCOL_OFFSET = 5;
const SCOPE_OFFSET = 6;
const TYPE_OFFSET = 7;
const RT_SCOPE_HOST = 254;
const RTN_LOCAL = 2;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_TABLE = 15;
const RTA_MARK = 16;
/** The loopback device of each network namespace (net.h, LOOPBACK_IFINDEX). */
const LOOPBACK_INDEX = 1;

/** Tells our rules and routes from all others': who made them, as `ip rule` shows it (rtnetlink(7), unassigned there). */
const OWN_PROTOCOL = 0x74;
/** For documentation (RFC 5737, RFC 3849): no machine has these. */
const NOT_OURS: Readonly<Record<IpFamily, string>> = { 4: '192.0.2.1', 6: '2001:db8::1' };

/** errno.h. */
const EEXIST = 17;
/** There is none of that: ENOENT, ESRCH, ENODEV. */
const GONE: ReadonlySet<number> = new Set([2, 3, 19]);

/** Packets that have `mark` in the bits of `mask` are delivered to this machine, whatever address they are for. */
export interface MarkedRoute {
  readonly family: IpFamily;
  readonly mark: number;
  readonly mask: number;
  /** Of the rule: those of smaller numbers are asked before it. */
  readonly priority: number;
  /** The routing table that has the route; one for each mark. */
  readonly table: number;
}

/**
 * Routes for marked packets: a rule, and a table with the one route `local default dev lo`. Without packets that are marked they do
 * nothing (native-notes/tproxy.md).
 */
export interface MarkedRoutes {
  /**
   * Makes one, unless there is one of the same mark: of several who try, one has it.
   *
   * @throws Error with errno when the kernel refuses; nothing is left then
   */
  claim(route: MarkedRoute): 'claimed' | 'taken';
  /** Whether marked packets are delivered to this machine, by what the kernel answers for one. @throws Error with errno */
  leadsHere(route: MarkedRoute): boolean;
  /** Makes what of a claimed one somebody else has removed. Idempotent. @throws Error with errno */
  restore(route: MarkedRoute): void;
  /** All that were made so in this network namespace, by whichever process. @throws Error with errno */
  all(): readonly MarkedRoute[];
  /** Removes one. Idempotent. @throws Error with errno */
  remove(route: MarkedRoute): void;
  /** Idempotent; what was claimed stays. */
  close(): void;
}

/** Opens {@link MarkedRoutes}; changes need CAP_NET_ADMIN. Linux only. @throws Error with errno */
export function openMarkedRoutes(): MarkedRoutes {
  const netlink = openNetlink(NETLINK_ROUTE);
  return {
    claim: (route) => claim(netlink, route),
    leadsHere: (route) => leadsHere(netlink, route),
    restore: (route) => restore(netlink, route),
    all: () => [...listed(netlink, 4), ...listed(netlink, 6)],
    remove: (route) => remove(netlink, route),
    close: () => netlink.close(),
  };
}

function claim(netlink: NetlinkSocket, route: MarkedRoute): 'claimed' | 'taken' {
  const rule = netlink.ask(RTM_NEWRULE, ruleOf(route), 'created');
  if (rule.kind === 'refused' && rule.errno === EEXIST) return 'taken';
  must('a routing rule', rule);
  try {
    // One that was left without its rule is as good.
    makeUnlessThere(netlink, RTM_NEWROUTE, routeOf(route));
    return 'claimed';
  } catch (error) {
    netlink.ask(RTM_DELRULE, ruleOf(route), 'acknowledged');
    throw error;
  }
}

function restore(netlink: NetlinkSocket, route: MarkedRoute): void {
  makeUnlessThere(netlink, RTM_NEWRULE, ruleOf(route));
  makeUnlessThere(netlink, RTM_NEWROUTE, routeOf(route));
}

function makeUnlessThere(netlink: NetlinkSocket, type: number, body: Buffer): void {
  const made = netlink.ask(type, body, 'created');
  if (made.kind !== 'refused' || made.errno !== EEXIST)
    must(type === RTM_NEWRULE ? 'a routing rule' : 'a local route', made);
}

function leadsHere(netlink: NetlinkSocket, { family, mark }: MarkedRoute): boolean {
  const address = addressBytes(NOT_OURS[family]);
  const head = header(family);
  head.writeUInt8(address.length * 8, LENGTH_OFFSET);
  const question = Buffer.concat([head, attribute(RTA_DST, address), attribute(RTA_MARK, word(mark))]);
  const answer = netlink.ask(RTM_GETROUTE, question);
  return answer.kind === 'message' && answer.body[TYPE_OFFSET] === RTN_LOCAL;
}

function remove(netlink: NetlinkSocket, route: MarkedRoute): void {
  for (const [type, body] of [
    [RTM_DELRULE, ruleOf(route)],
    [RTM_DELROUTE, routeOf(route)],
  ] as const) {
    const answer = netlink.ask(type, body, 'acknowledged');
    if (answer.kind !== 'refused' || !GONE.has(answer.errno)) must('to remove a routing rule', answer);
  }
}

/** None where the kernel does not have the family. */
function listed(netlink: NetlinkSocket, family: IpFamily): MarkedRoute[] {
  return netlink.list(RTM_GETRULE, header(family)).flatMap((body) => {
    // The kernel answers with those of all families where it does not have this one.
    if (body.length < HEADER_BYTES || body[0] !== AF_OF[family]) return [];
    if (!isOwnRule(body)) return [];
    const attributes = body.subarray(HEADER_BYTES);
    const number = (type: number): number => {
      const value = attributeAt(attributes, type);
      return value?.length === 4 ? value.readUInt32LE() : 0;
    };
    return [
      {
        family,
        mark: number(FRA_FWMARK),
        mask: number(FRA_FWMASK),
        priority: number(FRA_PRIORITY),
        table: number(FRA_TABLE),
      },
    ];
  });
}

/** Whether the body of a message about a routing rule is about one that was made here. */
export function isOwnRule(body: Buffer): boolean {
  return attributeAt(body.subarray(HEADER_BYTES), FRA_PROTOCOL)?.[0] === OWN_PROTOCOL;
}

/** Whether the body of a message about a route is about one that was made here. */
export function isOwnRoute(body: Buffer): boolean {
  return body[PROTOCOL_OFFSET] === OWN_PROTOCOL;
}

function ruleOf(route: MarkedRoute): Buffer {
  const head = header(route.family);
  head.writeUInt8(FR_ACT_TO_TBL, ACTION_OFFSET);
  return Buffer.concat([
    head,
    attribute(FRA_PRIORITY, word(route.priority)),
    attribute(FRA_FWMARK, word(route.mark)),
    attribute(FRA_FWMASK, word(route.mask)),
    attribute(FRA_TABLE, word(route.table)),
    attribute(FRA_PROTOCOL, Buffer.from([OWN_PROTOCOL])),
  ]);
}

function routeOf(route: MarkedRoute): Buffer {
  const head = header(route.family);
  head.writeUInt8(OWN_PROTOCOL, PROTOCOL_OFFSET);
  head.writeUInt8(RT_SCOPE_HOST, SCOPE_OFFSET);
  head.writeUInt8(RTN_LOCAL, TYPE_OFFSET);
  return Buffer.concat([
    head,
    attribute(RTA_OIF, word(LOOPBACK_INDEX)),
    attribute(RTA_TABLE, word(route.table)),
  ]);
}

function header(family: IpFamily): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt8(AF_OF[family], 0);
  return bytes;
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function must(what: string, answer: NetlinkAnswer): void {
  if (answer.kind === 'refused') throw new Error(`the kernel refused ${what} with errno ${answer.errno}`);
}
