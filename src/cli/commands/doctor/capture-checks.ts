import { randomInt } from 'node:crypto';
import type { Config } from '../../../config/config.ts';
import { rulesOf } from '../../../config/resolve-subnets.ts';
import type { Logger } from '../../../core/log.ts';
import { tryCapture } from '../../../ingress/try-capture.ts';
import type { HelperInterceptor } from '../../../intercept/helper-interceptor.ts';
import { methodRow } from '../../../intercept/rules/redirect-methods.ts';
import type { CaptureRule } from '../../../net/address/capture-rule.ts';
import { cidrOf } from '../../../net/address/cidr.ts';
import { type Finding, ok, problem } from './finding.ts';
import { packetFilterFindings } from './packet-filter-checks.ts';

/**
 * Networks of the documentation, which are nobody's (RFC 5737, RFC 3849): where nothing has been said of what to capture. On a
 * port by chance: another doctor may look at the same time, and would take what this one tries.
 */
function exampleRules(): readonly CaptureRule[] {
  const port = randomInt(1_024, 65_536);
  return [cidrOf('192.0.2.0', 24), cidrOf('2001:db8::', 32)].map((cidr) => ({
    action: 'include',
    cidr,
    ports: { first: port, last: port },
  }));
}

/**
 * Whether connections of our own to what is to be captured arrive.
 *
 * @throws TshuttleError as {@link tryCapture} does
 */
export async function* checkCapture(
  interceptor: HelperInterceptor,
  config: Config | undefined,
  logger: Logger,
): AsyncGenerator<Finding> {
  const asked = config === undefined ? [] : rulesOf(config, new Map());
  const isAsked = asked.some(({ action }) => action === 'include');
  const found = await tryCapture(interceptor, isAsked ? asked : exampleRules(), {
    logger,
    ipv6: config?.ipv6 ?? true,
  });
  // A machine need not have a route to an example.
  const problems = isAsked ? found : found.filter(({ cause }) => cause !== 'no-route');
  for (const { what, remedy } of problems) yield problem('capture', what, remedy);
  if (problems.length === 0) yield ok('capture', 'a redirected connection arrives');
  if (methodRow(interceptor.method).destinationsFrom !== 'helper') return;
  const { packetFilter } = await interceptor.look();
  if (packetFilter !== null) yield* packetFilterFindings(packetFilter);
}
