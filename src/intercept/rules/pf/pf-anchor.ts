import type { IpFamily } from '../../../net/address/literal.ts';
import { formatRuleOwner, parseRuleOwner, RULE_OWNER_PATTERN, type RuleOwner } from '../redirect-plan.ts';

/**
 * What our rules in pf are called. Pure (native-notes/pf.md).
 *
 * All rules of a tunnel are in one anchor, and gone when it is flushed. Its tables are its own, a tag is the whole machine's.
 */

/** Those whose main ruleset evaluates every anchor below `com.apple`, and those where an anchor has to be hooked into it. */
export type PfPlatform = 'darwin' | 'freebsd';

const ANCHOR_PARENT: Readonly<Record<PfPlatform, string>> = { darwin: 'com.apple/', freebsd: '' };

const ANCHOR_PREFIX = 'tshuttle-';

/** `com.apple/tshuttle-1000-12300`: at most 35 of the 63 characters that a part of a path may have. */
export function pfAnchor(owner: RuleOwner, platform: PfPlatform): string {
  return `${ANCHOR_PARENT[platform]}${ANCHOR_PREFIX}${formatRuleOwner(owner)}`;
}

/** Finds the anchors of all tunnels in what `pfctl -s Anchors`, or `pfctl -a com.apple -s Anchors`, prints. */
export function parsePfAnchors(listing: string, platform: PfPlatform): readonly RuleOwner[] {
  const ours = new RegExp(`^${ANCHOR_PREFIX}${RULE_OWNER_PATTERN}$`);
  return listing.split('\n').flatMap((line) => {
    const path = line.trim();
    const parent = ANCHOR_PARENT[platform];
    const [, userId, port] = (path.startsWith(parent) ? ours.exec(path.slice(parent.length)) : null) ?? [];
    return userId === undefined || port === undefined ? [] : [parseRuleOwner(userId, port)];
  });
}

/** The tags that lead what one tunnel has caught to its own listeners: two tunnels must not share them. */
export function pfTags(owner: RuleOwner): { readonly flow: string; readonly dns: string } {
  return { flow: `TSH-${formatRuleOwner(owner)}`, dns: `TSHD-${formatRuleOwner(owner)}` };
}

/**
 * Where our listeners are on a machine with pf. For IPv6 it is an alias of lo0, which the helper adds: FreeBSD drops the replies
 * of ::1, whose scope is this machine (native-notes/pf.md). A ULA (RFC 4193), so nobody else's; the letters are `tshuttle`.
 */
export const PF_LISTENERS: Readonly<Record<IpFamily, string>> = {
  4: '127.0.0.1',
  6: 'fd74:7368:7574:746c:6500::1',
};

/**
 * Where the source ports begin that each system gives to sockets which ask for none (net.inet.ip.portrange.first; what FreeBSD calls
 * hifirst is for few).
 */
export const EPHEMERAL_FROM: Readonly<Record<PfPlatform, number>> = { darwin: 49_152, freebsd: 10_000 };
