import { MAX_FACTS } from '../rule-facts.ts';

/**
 * Rules of others that may decide about a connection before the anchor of a tunnel is asked, out of what pfctl(8) prints. Pure.
 */

/** About what leaves, and at once. */
const QUICK_ON_DEPARTURE = /^(?:pass|block(?: drop| return(?:-\S+)?)?) (?!in |drop |return)(?:.* )?quick\b/;

/** It would get what our rules have led to lo0. */
const REDIRECT_ON_LOOPBACK = /^rdr (?:pass )?on lo0\b/;

/** The rules, and calls of other anchors, that `pfctl -s rules` prints before the call of ours in the main ruleset. */
export function earlierRules(rules: string, call: string): readonly string[] {
  const lines = rules.split('\n').map((line) => line.trim());
  const ours = lines.findIndex((line) => line.startsWith(`anchor "${call}"`));
  return lines
    .slice(0, Math.max(ours, 0))
    .filter((line) => QUICK_ON_DEPARTURE.test(line) || line.startsWith('anchor "'))
    .slice(0, MAX_FACTS);
}

/** The anchors that are asked before ours where a wildcard calls both: they stand before it by name in `pfctl -a PARENT -s Anchors`. */
export function anchorsBefore(listing: string, ours: string): readonly string[] {
  const parent = ours.replace(/[^/]+$/, '');
  return listing
    .split('\n')
    .map((line) => line.trim())
    .filter((path) => path.startsWith(parent) && path !== parent && path < ours)
    .sort()
    .slice(0, MAX_FACTS);
}

/** Whether rules of an anchor, as `pfctl -s rules` and `pfctl -s nat` print them, may decide about connections that are ours. */
export function mayDecide(rules: string): boolean {
  return rules
    .split('\n')
    .map((line) => line.trim())
    .some((line) => QUICK_ON_DEPARTURE.test(line) || REDIRECT_ON_LOOPBACK.test(line));
}
