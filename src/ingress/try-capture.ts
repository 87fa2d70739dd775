import type { Logger } from '../core/log.ts';
import type { Interceptor } from '../intercept/interceptor.ts';
import { planRedirects } from '../intercept/rules/plan.ts';
import type { CaptureRule } from '../net/address/capture-rule.ts';
import { cidrOf } from '../net/address/cidr.ts';
import { addressBits } from '../net/address/literal.ts';
import { rejectRoutes } from '../net/machine/reject-routes.ts';
import { requireSocketOptions } from '../net/native/socket-option.ts';
import { CaptureCheck } from './capture-check/capture-check.ts';
import type { CaptureProblem } from './capture-check/capture-problem.ts';
import { type ProbeTarget, probeTargets } from './capture-check/probe-targets.ts';
import { LookUpRecord } from './destinations/look-up-record.ts';
import { Listening, listeningMethod } from './listening.ts';

/**
 * Tries whether connections to captured networks would arrive, without a tunnel: for a moment it redirects the connections that it
 * makes itself, and no others. The caller removes the rules by closing `interceptor`.
 *
 * @throws TshuttleError ERR_LISTEN, ERR_INTERCEPT_APPLY
 */
export async function tryCapture(
  interceptor: Pick<Interceptor, 'method' | 'families' | 'apply' | 'look' | 'lookUp' | 'makeTransparent'>,
  rules: readonly CaptureRule[],
  { logger, ipv6 }: { readonly logger: Logger; readonly ipv6: boolean },
): Promise<readonly CaptureProblem[]> {
  requireSocketOptions();
  const options = { listen: undefined, ipv6, namespace: undefined };
  const method = listeningMethod(interceptor, new LookUpRecord(logger));
  const listening = await Listening.open(options, method, logger, (flow) => flow.accepted.resetAndDestroy());
  try {
    const families = listening.families.filter((family) => interceptor.families.includes(family));
    const targets = probeTargets(rules, [], await rejectRoutes()).filter(({ family }) =>
      families.includes(family),
    );
    if (targets.length === 0) return [];
    const check = new CaptureCheck(interceptor, listening.probe, logger);
    check.capturesOnly(targets);
    const capture = async () => {
      const { replies } = check;
      const request = {
        rules: targets.map(ruleOf),
        exempt: [],
        listenerPort: listening.port,
        families,
        replies,
      };
      await interceptor.apply(planRedirects(request));
    };
    await capture();
    return await check.run(capture);
  } finally {
    await listening.close();
  }
}

function ruleOf({ family, address, port }: ProbeTarget): CaptureRule {
  return {
    action: 'include',
    cidr: cidrOf(address, addressBits(family)),
    ports: { first: port, last: port },
  };
}
