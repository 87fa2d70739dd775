import type { CaptureProblem } from '../../../../../src/ingress/capture-check/capture-problem.ts';
import type { Outcome } from '../../../../support/pf/evaluator.ts';

/** What becomes of connections that are ours to capture, beside rules of others. */
type Fate = 'captured' | Exclude<Outcome['kind'], 'here'>;

/** Rules that other programs may have in the main ruleset, or in anchors beside ours. */
export interface ForeignRules {
  readonly name: string;
  readonly main: string;
  readonly anchors?: Readonly<Record<string, string>>;
  readonly fate: Fate;
  /** What the probe says of it; undefined: nothing is wrong. */
  readonly cause?: CaptureProblem['cause'];
}

const CALLS = 'rdr-anchor "com.apple/*"\nanchor "com.apple/*"\n';
const before = (rules: string): string => `rdr-anchor "com.apple/*"\n${rules}\nanchor "com.apple/*"\n`;

/** The rows of native-notes/pf.md that are about rules of others, and their neighbours. */
export const FOREIGN_RULES: readonly ForeignRules[] = [
  { name: 'none', main: CALLS, fate: 'captured' },
  { name: 'later pass', main: `${CALLS}pass out all\npass in all\n`, fate: 'captured' },
  { name: 'later quick pass', main: `${CALLS}pass out quick all\npass in quick all\n`, fate: 'captured' },
  {
    name: 'later block of what comes in',
    main: `${CALLS}block in all\npass in on lo0 all\n`,
    fate: 'captured',
  },
  { name: 'later block', main: `${CALLS}block out on en0 all\n`, fate: 'captured' },
  { name: 'later quick block', main: `${CALLS}block return out quick on en0 all\n`, fate: 'captured' },
  { name: 'earlier pass, not quick', main: before('pass out all\npass in all'), fate: 'captured' },
  { name: 'earlier block, not quick', main: before('block out on ! lo0 all'), fate: 'captured' },
  {
    name: 'an anchor after ours',
    main: CALLS,
    anchors: {
      'com.apple/z':
        'rdr on lo0 proto tcp from any to any -> 127.0.0.1 port 9\nblock out quick on ! lo0 all\n',
    },
    fate: 'captured',
  },
  {
    name: 'an anchor that nothing calls',
    main: CALLS,
    anchors: { aaa: 'block out quick all\n' },
    fate: 'captured',
  },
  {
    name: 'earlier quick pass',
    main: before('pass out quick all'),
    fate: 'direct',
    cause: 'pf-earlier-rule',
  },
  { name: 'earlier quick block', main: before('block drop out quick all'), fate: 'EPERM', cause: 'pf-block' },
  {
    name: 'earlier quick block that answers',
    main: before('block return out quick all'),
    fate: 'refused',
    cause: 'pf-block',
  },
  { name: 'skip on lo0', main: `set skip on lo0\n${CALLS}`, fate: 'hangs', cause: 'pf-skips-loopback' },
  { name: 'the main ruleset calls nothing', main: 'pass all\n', fate: 'direct', cause: 'rules-gone' },
  {
    name: 'the main ruleset calls no translation',
    main: 'anchor "com.apple/*"\n',
    fate: 'hangs',
    cause: 'rules-gone',
  },
  {
    name: 'an anchor before ours passes',
    main: CALLS,
    anchors: { 'com.apple/a': 'pass out quick all\n' },
    fate: 'direct',
    cause: 'pf-other-anchor',
  },
  {
    name: 'an anchor before ours, in main, passes',
    main: before('anchor "vpn"'),
    anchors: { vpn: 'pass out quick all\n' },
    fate: 'direct',
    cause: 'pf-other-anchor',
  },
];
