import type { SubnetRule } from '../../config/parse/networks/subnet.ts';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { printableLine } from '../../core/printable.ts';
import type { CaptureRule } from '../../net/address/capture-rule.ts';
import { type Cidr, formatCidr, rangesOverlap } from '../../net/address/cidr.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import { ALL_PORTS } from '../../net/address/port-range.ts';
import { type InterfaceNetwork, localNetworks, vpnRoutes } from '../../net/machine/local-networks.ts';
import type { Tunnel } from '../../tunnel/tunnel.ts';
import { parseBastionRoutes, ROUTES_COMMAND } from './bastion-routes.ts';
import { chooseNetworks, MAX_NETWORKS, type OwnNetwork } from './choose-networks.ts';

/** So many of those that are left out are named. */
const MAX_NAMED = 10;

/** A VPN's routes that are wider are its way to everything, which a bastion's networks are to be taken from. */
const WIDEST_VPN_ROUTE: Readonly<Record<IpFamily, number>> = { 4: 8, 6: 16 };

/** For people, in place of where a user has written a subnet. */
const WHERE = '-N';

/** Dependencies of {@link networksOfBastion}. */
export interface NetworksContext {
  readonly logger: Logger;
  /** What the user has asked for: it is captured also where this machine reaches it by itself. */
  readonly asked: readonly CaptureRule[];
  readonly families: readonly IpFamily[];
  /** Tests have other networks than this machine. */
  readonly ownNetworks?: () => Promise<readonly OwnNetwork[]>;
}

/**
 * Asks the bastion for its routes, once, and says what becomes of them.
 *
 * @returns what is to be captured beside what the user has asked for, and what of that is not
 * @throws TshuttleError ERR_CONFIG where the bastion does not tell; ERR_BASTION_LOST
 */
export async function networksOfBastion(
  bastion: Pick<Tunnel, 'askBastion'>,
  { logger, asked, families, ownNetworks = networksOfMachine }: NetworksContext,
): Promise<readonly SubnetRule[]> {
  const [networks, all] = await Promise.all([routesOf(bastion), ownNetworks()]);
  const own = all.filter(
    ({ cidr }) => !asked.some((rule) => rule.action === 'include' && rangesOverlap(rule.cidr, cidr)),
  );
  const { includes, excludes, leftOut, surplus } = chooseNetworks(networks, own, families);
  for (const cidr of includes) logger.info(`${WHERE}: ${formatCidr(cidr)} is a network of the bastion's`);
  for (const { cidr, what } of excludes)
    logger.warn(
      `${WHERE}: ${formatCidr(cidr)} is not captured: it is ${what}; to capture it add it as SUBNET`,
    );
  for (const { cidr, why } of leftOut.slice(0, MAX_NAMED))
    logger.warn(`${WHERE}: ${formatCidr(cidr)} is not captured: ${why}; to capture it add it as SUBNET`);
  const unnamed = Math.max(leftOut.length - MAX_NAMED, 0) + surplus;
  if (unnamed > 0) {
    const which = `${unnamed} more networks of the bastion's are not captured`;
    logger.warn(
      `${WHERE}: ${which}: no more than ${MAX_NETWORKS} are taken; list those that you need as SUBNETs`,
    );
  }
  if (includes.length === 0)
    logger.warn(`${WHERE}: the bastion has no network that can be captured; list them as SUBNETs`);
  return [
    ...includes.map((cidr) => ruleFor('include', cidr)),
    ...excludes.map(({ cidr }) => ruleFor('exclude', cidr)),
  ];
}

async function routesOf(bastion: Pick<Tunnel, 'askBastion'>): Promise<readonly Cidr[]> {
  let output: string;
  try {
    output = await bastion.askBastion(ROUTES_COMMAND);
  } catch (error) {
    if (error instanceof TshuttleError) throw error;
    throw untold(messageOf(error), error);
  }
  const routes = parseBastionRoutes(output);
  if (routes.kind === 'untold') throw untold(printableLine(routes.why));
  return routes.networks;
}

function untold(why: string, cause?: unknown): TshuttleError {
  return new TshuttleError('ERR_CONFIG', `the bastion does not tell its routes (-N): ${why}`, {
    remedy: 'leave out -N (auto_nets) and list the networks as SUBNETs; or have the bastion allow commands',
    cause,
  });
}

function ruleFor(action: SubnetRule['action'], cidr: Cidr): SubnetRule {
  return {
    action,
    subnet: { kind: 'network', cidr, ports: ALL_PORTS },
    where: `${WHERE} ${formatCidr(cidr)}`,
  };
}

async function networksOfMachine(): Promise<readonly OwnNetwork[]> {
  const named = (what: string, { cidr, interfaceName }: InterfaceNetwork): OwnNetwork => ({
    cidr,
    what: `${what} ${interfaceName}`,
  });
  const vpns = (await vpnRoutes()).filter(({ cidr }) => cidr.prefixLength >= WIDEST_VPN_ROUTE[cidr.family]);
  return [
    ...localNetworks().map((network) => named('the local network on', network)),
    ...vpns.map((network) => named('routed by the VPN on', network)),
  ];
}
