import type { Logger } from '../core/log.ts';
import { openForwarder } from '../dns/forwarder.ts';
import { errorAnswer, RCODES } from '../dns/message.ts';
import type { StaticHost } from '../dns/name-routes.ts';
import { QueryHandler } from '../dns/query-handler.ts';
import { systemNameservers } from '../dns/resolv-conf.ts';
import { type OpenConnection, Resolver } from '../dns/resolver.ts';
import { Responder } from '../dns/responder.ts';
import type { Endpoint, IpFamily } from '../net/endpoint.ts';
import type { Zone } from '../net/zone.ts';

/** Whose queries are captured, and who answers them. */
export interface DnsOptions {
  /** Literal addresses; `system` is what this machine is configured with now. */
  readonly nameservers: 'system' | readonly string[];
  /** On the bastion's side, asked in this order. */
  readonly resolvers: readonly Endpoint[];
  /** Whether all names are answered on the bastion's side, or only those in the zones. */
  readonly everything: boolean;
  readonly zones: readonly Zone[];
  readonly hosts: readonly StaticHost[];
}

/** What {@link TunnelDns.redirectFor} has the rules redirect. */
interface DnsRedirection {
  readonly redirects: ReadonlyArray<{ readonly nameserver: string; readonly port: number }>;
  readonly exemptPorts: readonly number[];
}

/** The DNS of a tunnel. */
export interface TunnelDns {
  /** What is to be redirected where these families can be captured; warns of nameservers that are left out. */
  redirectFor(families: readonly IpFamily[]): DnsRedirection;
  /** Ends its sockets and connections. Once. */
  close(): void;
}

/** What {@link openDns} needs of the tunnel. */
export interface DnsContext {
  readonly logger: Logger;
  readonly ipv6: boolean;
  /** Names that lead to the bastion, which must not be asked through it. */
  readonly wayToBastion: readonly string[];
  readonly open: OpenConnection;
}

/**
 * Starts the forwarder, if DNS is to be captured.
 *
 * @throws TshuttleError ERR_LISTEN
 */
export async function openDns(
  dns: DnsOptions | undefined,
  { logger, ipv6, wayToBastion, open }: DnsContext,
): Promise<TunnelDns | undefined> {
  if (dns === undefined) return undefined;
  const resolvers = dns.resolvers.map((endpoint) => new Resolver(endpoint, open));
  const responder = new Responder(resolvers, logger);
  const handler = new QueryHandler({ ...dns, wayToBastion }, (query) =>
    resolvers.length === 0
      ? Promise.resolve(errorAnswer(query, RCODES.serverFailure))
      : responder.respond(query),
  );
  const wanted =
    dns.nameservers === 'system'
      ? systemNameservers()
      : dns.nameservers.map((address) => ({ address, scope: undefined }));
  const usable = wanted.filter(({ address }) => ipv6 || !address.includes(':'));
  const forwarder = await openForwarder({ nameservers: usable, handler });
  return {
    redirectFor: (families) => {
      const redirects = forwarder.fronts.filter(({ nameserver }) =>
        families.includes(nameserver.includes(':') ? 6 : 4),
      );
      for (const { address } of wanted) {
        if (redirects.some(({ nameserver }) => nameserver === address)) continue;
        logger.warn(`DNS queries to ${address} are not captured: this machine cannot capture its family`);
      }
      return { redirects, exemptPorts: forwarder.ownPorts };
    },
    close: () => {
      forwarder.close();
      for (const resolver of resolvers) resolver.close();
    },
  };
}
