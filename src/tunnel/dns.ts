import type { Logger } from '../core/log.ts';
import { type Forwarder, openForwarder } from '../dns/forwarder.ts';
import { systemNameservers } from '../dns/resolv-conf.ts';
import type { OpenConnection } from '../dns/resolver.ts';
import type { Endpoint, IpFamily } from '../net/endpoint.ts';

/** Whose queries are captured, and who answers them. */
export interface DnsOptions {
  /** Literal addresses; `system` is what this machine is configured with now. */
  readonly nameservers: 'system' | readonly string[];
  /** On the bastion's side, asked in this order. */
  readonly resolvers: readonly Endpoint[];
}

/** What {@link TunnelDns.redirectFor} has the rules redirect. */
interface DnsRedirection {
  readonly port: number;
  readonly nameservers: readonly string[];
}

/** The forwarder of a tunnel. */
export interface TunnelDns extends Pick<Forwarder, 'close'> {
  /** What is to be redirected where these families can be captured; warns of nameservers that are left out. */
  redirectFor(families: readonly IpFamily[]): DnsRedirection;
}

/**
 * Starts the forwarder, if DNS is to be captured. The queries that lead to the bastion must have been answered by
 * the machine's own resolver before the rules are set.
 *
 * @throws TshuttleError ERR_LISTEN
 */
export async function openDns(
  options: { readonly dns: DnsOptions | undefined; readonly ipv6: boolean },
  logger: Logger,
  open: OpenConnection,
): Promise<TunnelDns | undefined> {
  const { dns, ipv6 } = options;
  if (dns === undefined) return undefined;
  const forwarder = await openForwarder({
    families: ipv6 ? [4, 6] : [4],
    resolvers: dns.resolvers,
    open,
    logger,
  });
  const wanted = dns.nameservers === 'system' ? systemNameservers() : dns.nameservers;
  return {
    close: () => forwarder.close(),
    redirectFor: (families) => {
      const isUsable = (address: string): boolean => {
        const family = address.includes(':') ? 6 : 4;
        return families.includes(family) && forwarder.families.includes(family);
      };
      for (const address of wanted.filter((candidate) => !isUsable(candidate))) {
        logger.warn(`DNS queries to ${address} are not captured: this machine cannot capture its family`);
      }
      return { port: forwarder.port, nameservers: wanted.filter(isUsable) };
    },
  };
}
