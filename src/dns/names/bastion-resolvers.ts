import { messageOf, TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { DNS_PORT, type Endpoint, makeEndpoint } from '../../net/address/endpoint.ts';
import { parseNameservers } from '../system/resolv-conf.ts';
import type { BastionFiles } from './bastion-hosts.ts';
import type { DnsOptions } from './dns-options.ts';

/** libc asks the first three (resolv.conf(5)). */
const MAX_RESOLVERS = 3;

/**
 * Those that the bastion itself asks, for `--dns` without `--to-ns`; none where only zones are wanted, which need none.
 *
 * @throws TshuttleError ERR_USAGE when all names are to be answered and no resolver is known
 */
export async function bastionResolvers(
  { everything, nameservers }: DnsOptions,
  bastion: BastionFiles,
  logger: Logger,
): Promise<readonly Endpoint[]> {
  if (!everything) return [];
  try {
    const found = parseNameservers(await bastion.readFile('/etc/resolv.conf')).slice(0, MAX_RESOLVERS);
    const endpoints = found.flatMap(({ address }) => makeEndpoint(address, DNS_PORT) ?? []);
    logger.info(`the bastion's /etc/resolv.conf names ${endpoints.map(({ address }) => address).join(', ')}`);
    return endpoints;
  } catch (error) {
    const option = nameservers === 'system' ? '--dns' : '--ns-hosts';
    const message = `${option} needs a resolver that the bastion can reach, and its /etc/resolv.conf cannot be read: ${messageOf(error)}`;
    throw new TshuttleError('ERR_USAGE', message, {
      remedy: 'name the resolver, as in --to-ns 10.0.0.2',
      cause: error,
    });
  }
}
