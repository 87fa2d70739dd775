import type { PfFacts } from '../../../intercept/rules/rule-facts.ts';
import { type Finding, note, ok } from './finding.ts';

const CHECK = 'packet filter';

/** From this part of the limit on it is worth knowing: a connection has two states, which stay for a minute after its end. */
const CROWDED = 0.5;

/** How many rules of others one line names. */
const NAMED = 3;

/**
 * What of pf may keep connections from arriving, now or for some networks only: whether they arrive was tried before, and a problem was told
 * with its cause (src/ingress/capture-check/pf-causes.ts).
 */
export function* packetFilterFindings({
  isEnabled,
  skipsLoopback,
  earlier,
  states,
}: PfFacts): Generator<Finding> {
  const kept = states === null ? '' : `; it keeps ${states.current} of at most ${states.limit} states`;
  yield isEnabled
    ? ok(CHECK, `is enabled${kept}`)
    : note(
        CHECK,
        `is disabled${kept}: another program has done that`,
        'start the tunnel again; see who wants pf enabled: sudo pfctl -s References',
      );
  if (skipsLoopback) {
    yield note(
      CHECK,
      'skips lo0 (set skip on lo0): connections that are redirected hang',
      'write "pass on lo0" for "set skip on lo0" in /etc/pf.conf, then: sudo pfctl -f /etc/pf.conf',
    );
  }
  const foreign = earlier.filter((rule) => !/^anchor "(?:[^"]*\/)?tshuttle-/.test(rule));
  if (foreign.length > 0) {
    const more = foreign.length > NAMED ? ` and ${foreign.length - NAMED} more` : '';
    yield note(
      CHECK,
      `asks rules of other programs before those of a tunnel: ${foreign.slice(0, NAMED).join(', ')}${more}`,
      `what they decide about is not captured: ${listingOf(foreign[0]!)}`,
    );
  }
  if (states !== null && states.current >= CROWDED * states.limit) {
    yield note(
      CHECK,
      `has room for ${states.limit - states.current} more states, two for each connection: without room, new ones are dropped`,
      `set limit states ${10 * states.limit} in /etc/pf.conf, then: sudo pfctl -f /etc/pf.conf`,
    );
  }
}

/** What shows the rules that a rule of the main ruleset stands for. */
function listingOf(rule: string): string {
  const anchor = /^anchor "([^"]+)"/.exec(rule)?.[1];
  return anchor === undefined ? 'sudo pfctl -s rules' : `sudo pfctl -a ${anchor} -s rules`;
}
