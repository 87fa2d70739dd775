import { type CaptureRule, formatCaptureRule } from '../../net/address/capture-rule.ts';

/** Rules that a report names; some tunnels have thousands. */
const MAX_RULES = 256;

/** The rules as a report has them. */
export function reportedRules(rules: readonly CaptureRule[]): {
  readonly rules: ReadonlyArray<{ readonly action: CaptureRule['action']; readonly subnet: string }>;
  readonly ruleCount: number;
} {
  const shown = rules.slice(0, MAX_RULES);
  return {
    rules: shown.map((rule) => ({ action: rule.action, subnet: formatCaptureRule(rule) })),
    ruleCount: rules.length,
  };
}
