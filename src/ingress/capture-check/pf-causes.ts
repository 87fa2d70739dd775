import type { PfFacts, RuleFacts } from '../../intercept/rules/rule-facts.ts';
import { listOf, placesOf, type Words } from './capture-words.ts';

/** Why connections that pf should redirect do not arrive. */
export type PfCause =
  | 'rules-gone'
  | 'pf-disabled'
  | 'pf-skips-loopback'
  | 'pf-states'
  | 'pf-block'
  | 'pf-earlier-rule'
  | 'pf-other-anchor'
  | 'other-tunnel'
  | 'unknown';

/** What became of a connection: no answer, EPERM, or somebody else's. */
export type PfAnswer = 'silent' | 'forbidden' | 'connection' | 'refusal';

/** From here on pf has no room for a new connection's two states most of the time. */
const FULL = 0.98;

/**
 * The cause, as rules of others show by what they do on a kernel (native-notes/pf.md): `set skip on lo0` makes connections hang, an
 * earlier `quick` rule lets them go past us, or refuses them with EPERM where it blocks. Going past us may look like silence, too.
 */
export function pfCauseOf(answer: PfAnswer, seen: PfFacts, ownRules: boolean): PfCause {
  if (!seen.isEnabled) return 'pf-disabled';
  if (!ownRules) return 'rules-gone';
  const isDropped = answer === 'silent' || answer === 'forbidden';
  if (isDropped && seen.states !== null && seen.states.current >= FULL * seen.states.limit)
    return 'pf-states';
  if (answer === 'silent' && seen.skipsLoopback) return 'pf-skips-loopback';
  const { blocks, passes, anchors } = earlierOf(seen);
  const foreign = anchors.filter((path) => !isOurs(path));
  if (answer === 'forbidden')
    return blocks.length > 0 || foreign.length === 0 ? 'pf-block' : 'pf-other-anchor';
  if (answer === 'refusal' && blocks.length > 0) return 'pf-block';
  if (passes.length > 0) return 'pf-earlier-rule';
  if (foreign.length > 0) return 'pf-other-anchor';
  return anchors.length > 0 ? 'other-tunnel' : 'unknown';
}

function isOurs(anchor: string): boolean {
  return /(?:^|\/)tshuttle-/.test(anchor);
}

/** The anchors of other tunnels that are asked before ours. */
export function earlierTunnels(facts: RuleFacts | undefined): readonly string[] {
  return earlierOf(pfOf(facts)).anchors.filter(isOurs);
}

/** Rules that decide before ours, by what they do. */
function earlierOf({ earlier }: PfFacts): {
  readonly blocks: readonly string[];
  readonly passes: readonly string[];
  readonly anchors: readonly string[];
} {
  return {
    blocks: earlier.filter((rule) => rule.startsWith('block ')),
    passes: earlier.filter((rule) => rule.startsWith('pass ')),
    anchors: earlier.flatMap((rule) => /^anchor "([^"]+)"/.exec(rule)?.[1] ?? []),
  };
}

function pfOf(facts: RuleFacts | undefined): PfFacts {
  return facts?.packetFilter ?? { isEnabled: true, skipsLoopback: false, earlier: [], states: null };
}

function named(rules: readonly string[]): string {
  return rules.length === 0 ? '' : ` (${listOf(rules)})`;
}

/** The words for those causes that are pf's alone. */
export const PF_WORDS: Readonly<Record<Exclude<PfCause, 'rules-gone' | 'other-tunnel' | 'unknown'>, Words>> =
  {
    'pf-disabled': (targets) => ({
      what: `pf is disabled, another program has done that: connections to ${placesOf(targets)} go past the tunnel`,
      remedy:
        'restart the tunnel, which enables it; what disables it with pfctl -d should use pfctl -X instead',
    }),
    'pf-skips-loopback': (targets) => ({
      what: `pf skips lo0 (set skip on lo0), by which redirected connections arrive: those to ${placesOf(targets)} hang`,
      remedy: 'write "pass on lo0" for "set skip on lo0" in /etc/pf.conf, then: sudo pfctl -f /etc/pf.conf',
    }),
    'pf-states': (targets, facts) => {
      const { current, limit } = pfOf(facts).states ?? { current: 0, limit: 0 };
      return {
        what: `pf is full, it keeps ${current} of at most ${limit} connections in mind: new ones to ${placesOf(targets)}, and others, are dropped`,
        remedy: `make room in /etc/pf.conf: set limit states ${10 * limit}; then: sudo pfctl -f /etc/pf.conf`,
      };
    },
    'pf-block': (targets, facts) => ({
      what: `a rule of another program in pf blocks connections to ${placesOf(targets)} before tshuttle's rules are asked${named(earlierOf(pfOf(facts)).blocks)}`,
      remedy: 'have it leave that network out, or take its "quick" away: sudo pfctl -s rules',
    }),
    'pf-earlier-rule': (targets, facts) => ({
      what: `a rule of another program in pf decides before tshuttle's${named(earlierOf(pfOf(facts)).passes)}: connections to ${placesOf(targets)} go past the tunnel`,
      remedy: 'have it leave that network out, or take its "quick" away: sudo pfctl -s rules',
    }),
    'pf-other-anchor': (targets, facts) => {
      const anchors = earlierOf(pfOf(facts)).anchors.filter((path) => !isOurs(path));
      return {
        what: `another program's anchor in pf is asked before tshuttle's (${listOf(anchors)}), and connections to ${placesOf(targets)} are not captured`,
        remedy: `end that program, or have it leave the network out: sudo pfctl -a ${anchors[0] ?? 'NAME'} -s rules`,
      };
    },
  };
