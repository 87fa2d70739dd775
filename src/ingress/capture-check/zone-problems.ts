import type { LeftZone } from '../../intercept/rules/resolver-files.ts';
import type { CaptureProblem } from './capture-problem.ts';
import { listOf } from './capture-words.ts';

/** What is told of zones that have no file of ours in /etc/resolver: one problem for each reason. */
export function zoneProblems(left: readonly LeftZone[]): readonly CaptureProblem[] {
  return REASONS.flatMap(({ why, what, remedy }): readonly CaptureProblem[] => {
    const zones = left.filter((one) => one.why === why).map(({ zone }) => zone);
    const [first] = zones;
    return first === undefined
      ? []
      : [{ cause: 'resolver-file', what: what(listOf(zones)), remedy: remedy(first) }];
  });
}

interface ReasonWords {
  readonly why: LeftZone['why'];
  readonly what: (zones: string) => string;
  readonly remedy: (zone: string) => string;
}

const REASONS: readonly ReasonWords[] = [
  {
    why: 'foreign file',
    what: (zones) =>
      `another program has said in /etc/resolver whom macOS asks for ${zones}: tshuttle answers only what goes to the nameservers that it captures`,
    remedy: (zone) =>
      `if nothing needs that file: sudo rm /etc/resolver/${zone}; then restart the tunnel, which writes its own`,
  },
  {
    why: 'other tunnel',
    what: (zones) => `macOS asks another tunnel for ${zones}, which came first`,
    remedy: () => 'leave the zone out of one of the two',
  },
  {
    why: 'refused',
    what: (zones) =>
      `/etc/resolver has no file of tshuttle for ${zones}, as the log says why: queries are captured instead`,
    remedy: () =>
      'see that /etc/resolver is a folder of root that nobody else can write to: ls -ld /etc/resolver',
  },
];
