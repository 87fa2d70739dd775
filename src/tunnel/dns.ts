import { messageOf, TshuttleError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { BastionSide } from '../dns/bastion-side.ts';
import { flushSystemCaches } from '../dns/flush-caches.ts';
import { Forwarder } from '../dns/forwarder.ts';
import { RCODES } from '../dns/layout.ts';
import { errorAnswer } from '../dns/message.ts';
import type { StaticHost } from '../dns/name-routes.ts';
import { watchNameservers } from '../dns/nameserver-watch.ts';
import { QueryHandler } from '../dns/query-handler.ts';
import { type Nameserver, parseNameservers, systemNameservers } from '../dns/resolv-conf.ts';
import { type OpenConnection, Resolver } from '../dns/resolver.ts';
import { Responder } from '../dns/responder.ts';
import type { IncomingFlow } from '../ingress/incoming-flow.ts';
import type { RedirectIngress } from '../ingress/redirect.ts';
import { type CaptureRule, decidingRule } from '../net/capture-rule.ts';
import type { Cidr } from '../net/cidr.ts';
import { type Endpoint, type IpFamily, makeEndpoint } from '../net/endpoint.ts';
import { formatZone, type Zone } from '../net/zone.ts';
import { type BastionFiles, readBastionHosts } from './bastion-hosts.ts';
import { SyntheticNames } from './synthetic-names.ts';

const DNS_PORT = 53;

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
  /** Whether names in the bastion's /etc/hosts are answered with what it says. */
  readonly bastionHosts: boolean;
  /** Whether the resolvers are asked for names in the zones, or the bastion is to connect by name at once. */
  readonly resolve: 'auto' | 'bastion';
  /** What addresses that stand for names are taken from. */
  readonly syntheticRanges: { readonly range4: Cidr; readonly range6: Cidr };
}

/** What {@link TunnelDns.redirectFor} has the rules redirect. */
interface DnsRedirection {
  readonly redirects: ReadonlyArray<{ readonly nameserver: string; readonly port: number }>;
  readonly exemptPorts: readonly number[];
}

/** The DNS of a tunnel. */
export interface TunnelDns {
  /** For people: `DNS`, `names in internal.example`. */
  readonly description: string;
  /**
   * Gets ready for names that only the bastion resolves. Once, before queries are redirected.
   *
   * @param rules gives what is captured otherwise, asked each time
   * @returns what is to be captured for them
   * @throws TshuttleError ERR_USAGE when all names are to be answered and no resolver is known
   */
  prepare(
    rules: () => readonly CaptureRule[],
    ingress: Pick<RedirectIngress, 'families' | 'addRoute'>,
    bastionFiles: BastionFiles,
  ): Promise<readonly CaptureRule[]>;
  /** The flow with the name that its destination stands for; undefined when it leads nowhere. Logs that. */
  named(flow: IncomingFlow): IncomingFlow | undefined;
  /** What is to be redirected where these families can be captured; warns of nameservers that are left out. */
  redirectFor(families: readonly IpFamily[]): DnsRedirection;
  /**
   * Queries are redirected from now on: has the machine forget what it was told before, and follows the nameservers that it
   * is told to ask, as in another network. Once.
   *
   * @param recapture has what {@link TunnelDns.redirectFor} says now redirected
   */
  follow(recapture: () => Promise<void>): void;
  /** Ends its sockets and connections, and has the machine forget what it was told. Once, when nothing is redirected any more. */
  close(): Promise<void>;
}

/** What {@link openDns} needs of the tunnel. */
export interface DnsContext {
  readonly logger: Logger;
  readonly ipv6: boolean;
  /** Names that lead to the bastion, which must not be asked through it. */
  readonly wayToBastion: readonly string[];
  /** Tells tunnels apart. */
  readonly bastion: string;
  readonly stateFolder: string;
  readonly open: OpenConnection;
}

/**
 * Starts the forwarder, if DNS is to be captured.
 *
 * @throws TshuttleError ERR_LISTEN
 */
export async function openDns(
  dns: DnsOptions | undefined,
  { logger, ipv6, wayToBastion, bastion, stateFolder, open }: DnsContext,
): Promise<TunnelDns | undefined> {
  if (dns === undefined) return undefined;
  const resolvers: Resolver[] = [];
  let names: SyntheticNames | undefined;
  let side: BastionSide | undefined;
  const hosts = [...dns.hosts];
  const handler = new QueryHandler({ ...dns, hosts, wayToBastion }, (query, isInZone) =>
    side === undefined
      ? Promise.resolve(errorAnswer(query, RCODES.serverFailure))
      : side.answer(query, isInZone),
  );
  let wanted =
    dns.nameservers === 'system'
      ? systemNameservers()
      : dns.nameservers.map((address) => ({ address, scope: undefined }));
  const usable = (): readonly Nameserver[] => wanted.filter(({ address }) => ipv6 || !address.includes(':'));
  const forwarder = await Forwarder.open(usable(), handler);
  let watch: { stop(): void } | undefined;
  const leftOut = new Set<string>();
  return {
    description: describe(dns),
    prepare: async (rules, ingress, bastionFiles) => {
      const isCaptured = ({ family, address }: { family: IpFamily; address: string }): boolean =>
        decidingRule(rules(), { family, address }, undefined)?.action === 'include';
      if (dns.bastionHosts)
        hosts.push(...(await readBastionHosts(bastionFiles, { ...dns, wayToBastion, isCaptured, logger })));
      const endpoints =
        dns.resolvers.length > 0 ? dns.resolvers : await bastionResolvers(dns, bastionFiles, logger);
      resolvers.push(...endpoints.map((endpoint) => new Resolver(endpoint, open)));
      const responder = resolvers.length === 0 ? undefined : new Responder(resolvers, logger);
      if (dns.zones.length === 0) {
        side = new BastionSide({ responder, isCaptured: () => true });
        return [];
      }
      const tunnel = [bastion, ...dns.zones.map(formatZone).sort()].join(' ');
      const opened = await SyntheticNames.open(
        { ...dns.syntheticRanges, stateFolder, tunnel },
        ingress,
        logger,
      );
      names = opened;
      side = new BastionSide({
        responder,
        synthetic: opened.addresses,
        resolve: dns.resolve,
        isCaptured,
        onGiven: () => opened.saveSoon(),
      });
      return opened.rules;
    },
    named: (flow) => (names === undefined ? flow : names.named(flow)),
    redirectFor: (families) => {
      const redirects = forwarder.fronts.filter(({ nameserver }) =>
        families.includes(nameserver.includes(':') ? 6 : 4),
      );
      for (const { address } of wanted) {
        if (redirects.some(({ nameserver }) => nameserver === address) || leftOut.has(address)) continue;
        leftOut.add(address);
        logger.warn(`DNS queries to ${address} are not captured: this machine cannot capture its family`);
      }
      return { redirects, exemptPorts: forwarder.ownPorts };
    },
    follow: (recapture) => {
      void flushSystemCaches();
      if (dns.nameservers !== 'system') return;
      watch = watchNameservers(wanted, (nameservers) => {
        wanted = nameservers;
        const addresses = nameservers.map(({ address }) => address).join(', ');
        void (async () => {
          await forwarder.serve(usable());
          await recapture();
          forwarder.retireOthers(usable());
          logger.info(`this machine asks other nameservers, whose queries are captured now: ${addresses}`);
        })().catch((error: unknown) => {
          if (watch !== undefined)
            logger.warn(`DNS queries to ${addresses} are not captured: ${messageOf(error)}`);
        });
      });
    },
    close: async () => {
      watch?.stop();
      watch = undefined;
      forwarder.close();
      for (const resolver of resolvers) resolver.close();
      names?.close();
      await flushSystemCaches();
    },
  };
}

/** libc asks the first three (resolv.conf(5)). */
const MAX_RESOLVERS = 3;

/** Those that the bastion itself asks, for `--dns` without `--to-ns`; none where only zones are wanted, which need none. */
async function bastionResolvers(
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

/** How many zones are named. */
const NAMED_ZONES = 3;

function describe({ everything, zones }: DnsOptions): string {
  if (everything || zones.length === 0) return 'DNS';
  const more = zones.length - NAMED_ZONES;
  const named = zones.slice(0, NAMED_ZONES).map(formatZone).join(', ');
  return `names in ${named}${more > 0 ? ` and ${more} more` : ''}`;
}
