import type { CaptureRule } from '../net/capture-rule.ts';
import { formatCidr } from '../net/cidr.ts';
import type { IpFamily } from '../net/endpoint.ts';
import { hasRoute } from '../net/route-check.ts';

/** With more networks than this only the first are looked up: it is a hint, and must not delay the start. */
const MAX_LOOK_UPS = 256;

/** A captured network that the kernel has no route to. */
export interface UnroutedNetwork {
  readonly family: IpFamily;
  readonly text: string;
}

/** The captured networks whose connections the kernel refuses for want of a route, each once. */
export async function unroutedNetworks(rules: readonly CaptureRule[]): Promise<readonly UnroutedNetwork[]> {
  const networks = new Map(
    rules.filter(({ action }) => action === 'include').map(({ cidr }) => [formatCidr(cidr), cidr]),
  );
  const unrouted: UnroutedNetwork[] = [];
  for (const [text, cidr] of [...networks].slice(0, MAX_LOOK_UPS)) {
    if (!(await hasRoute(cidr))) unrouted.push({ family: cidr.family, text });
  }
  return unrouted;
}
