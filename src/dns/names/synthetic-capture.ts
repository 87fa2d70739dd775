import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { CaptureRule } from '../../net/address/capture-rule.ts';
import { type Cidr, formatCidr } from '../../net/address/cidr.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import { ALL_PORTS } from '../../net/address/port-range.ts';
import type { AddressBlock } from '../zone/synthetic-addresses.ts';

/** The part of the ingress by which addresses that stand for names are reached. */
export interface CaptureRoutes {
  readonly families: readonly IpFamily[];
  hasRoute(network: Cidr): Promise<boolean>;
  addRoute(network: Cidr): Promise<void>;
}

/** What captures the addresses of a block. */
export function rulesOf({ range4, range6 }: AddressBlock): readonly CaptureRule[] {
  const ranges = range6 === undefined ? [range4] : [range4, range6];
  return ranges.map((cidr) => ({ action: 'include', cidr, ports: ALL_PORTS }));
}

/** Has a route made to an IPv4 network that has none; warns where that is refused. Never rejects. */
export async function ensureRoute(
  network: Cidr,
  ingress: Pick<CaptureRoutes, 'addRoute' | 'hasRoute'>,
  logger: Logger,
): Promise<void> {
  if (await ingress.hasRoute(network)) return;
  try {
    await ingress.addRoute(network);
    logger.info(`made a route to ${formatCidr(network)}, which had none`);
  } catch (error) {
    logger.warn(
      `names in zones cannot be reached: no route to ${formatCidr(network)}, and ${messageOf(error)}; ` +
        'any route will do, see --synthetic-range for another network',
    );
  }
}
