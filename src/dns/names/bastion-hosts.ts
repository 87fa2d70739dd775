import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { familyOf, type IpFamily } from '../../net/address/literal.ts';
import { type NetworkMap, toLocal } from '../../net/address/network-map.ts';
import { MAX_HOSTS, parseHostsFile } from '../zone/hosts-file.ts';
import { leadsToBastion, type StaticHost } from '../zone/name-routes.ts';

/** What the bastion lets us read. */
export interface BastionFiles {
  /** A small text file. @throws Error with a reason for people */
  readFile(path: string): Promise<string>;
}

/** Dependencies of {@link readBastionHosts}. */
export interface BastionHostsContext {
  /** Names that the user has given addresses: they keep those. */
  readonly hosts: readonly StaticHost[];
  readonly wayToBastion: readonly string[];
  readonly maps: readonly NetworkMap[];
  readonly isCaptured: (destination: { readonly family: IpFamily; readonly address: string }) => boolean;
  readonly logger: Logger;
}

/**
 * The names in the bastion's /etc/hosts that are of use here: an address that no SUBNET captures leads somewhere else from
 * here, and names that lead to the bastion must not be answered with what it is called inside. Says how many, or why none.
 */
export async function readBastionHosts(
  bastion: BastionFiles,
  { hosts, wayToBastion, maps, isCaptured, logger }: BastionHostsContext,
): Promise<readonly StaticHost[]> {
  let text: string;
  try {
    text = await bastion.readFile('/etc/hosts');
  } catch (error) {
    logger.warn(`--auto-hosts has no effect: the bastion's /etc/hosts cannot be read: ${messageOf(error)}`);
    return [];
  }
  const found = parseHostsFile(text).map(({ name, address }) => ({
    name,
    address: toLocal(maps, address) ?? address,
  }));
  if (found.length === MAX_HOSTS)
    logger.warn(`--auto-hosts takes the first ${MAX_HOSTS} names of the bastion's /etc/hosts, and no more`);
  const taken = found.filter(
    ({ name, address }) =>
      !hosts.some((host) => host.name === name) &&
      !leadsToBastion(name, wayToBastion) &&
      isCaptured({ family: familyOf(address), address }),
  );
  const left = found.length - taken.length;
  const rest = left === 0 ? '' : `; ${left} left out, which lead to the bastion or to no SUBNET`;
  logger.info(`answering ${taken.length} names of the bastion's /etc/hosts${rest}`);
  return taken;
}
