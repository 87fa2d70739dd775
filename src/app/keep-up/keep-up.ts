import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Config, capturesAnything } from '../../config/config.ts';
import { DEFAULT_RANGES } from '../../config/dns.ts';
import { FollowedNames } from '../../config/followed-names.ts';
import type { SubnetRule } from '../../config/parse/subnet.ts';
import { type LookUp, type ResolvedSubnets, resolveSubnets } from '../../config/resolve-subnets.ts';
import { TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { type Problem, renderProblem } from '../../core/problem.ts';
import type { DnsOptions } from '../../dns/names/dns-options.ts';
import type { CaptureRule } from '../../net/address/capture-rule.ts';
import type { NetworkNamespace } from '../../net/machine/namespace/network-namespace.ts';
import type { ListenAddresses } from '../../net/sockets/listener.ts';
import type { Prompter } from '../../ssh/prompter.ts';
import type { SplitOptions } from '../../tunnel/flows/split.ts';
import type { openTunnel } from '../../tunnel/open-tunnel.ts';
import type { Tunnel } from '../../tunnel/tunnel.ts';
import type { TunnelOptions } from '../../tunnel/tunnel-options.ts';
import { followNames } from '../following/follow-names.ts';
import type { MetricsServer } from '../metrics/serve-metrics.ts';
import type { CatalogSource } from '../openstack/catalog-source.ts';
import type { Stop } from '../stop.ts';
import { openAsApplication } from './open-as-application.ts';
import { sshRequestOf } from './ssh-request.ts';

/** Dependencies of {@link up}. */
export interface UpContext {
  readonly logger: Logger;
  readonly prompter: Prompter;
  readonly stop: Stop;
  readonly openTunnel: typeof openTunnel;
  readonly lookUp: LookUp;
  /** Where a tunnel keeps what it is to know in its next run. */
  readonly stateFolder: string;
  /** Called once, when the tunnel carries. */
  readonly onReady: (running: RunningTunnel) => Promise<void>;
  /** Only what comes by proxies is carried, and what no rule captures goes direct: nothing needs root. */
  readonly isRootless?: boolean;
  /** What is captured are the connections in it, not the machine's; owned by the caller. */
  readonly namespace?: NetworkNamespace | undefined;
}

/** A tunnel that carries, with the names that it follows. */
export interface RunningTunnel {
  readonly tunnel: Tunnel;
  /** What is captured now. */
  rules(): readonly CaptureRule[];
  /**
   * Captures other subnets, and follows other names; flows go on.
   *
   * @returns what the user should hear about them
   * @throws TshuttleError ERR_CONFIG, ERR_INTERCEPT_APPLY, and what was captured before still is
   */
  capture(config: Config): Promise<readonly Problem[]>;
}

/**
 * Opens a tunnel and keeps it until the end is requested.
 *
 * @returns the exit code of the request
 * @throws TshuttleError when the tunnel could not be opened, was lost, or could not be closed in order
 */
export async function up(config: Config, context: UpContext): Promise<number> {
  const { stop, logger } = context;
  const catalog = await catalogSource(config);
  const resolve = (wanted: Config) =>
    resolveSubnets(wanted, context.lookUp, context.isRootless === true ? 'proxied' : 'redirected');
  const resolved = await Promise.race([resolve(config), stop.requested]);
  if (typeof resolved === 'number') return resolved;
  for (const warning of resolved.warnings) logger.warn(renderProblem(warning));
  let tunnel: Tunnel;
  try {
    tunnel = await context.openTunnel(tunnelOptions(config, resolved.rules, context), {
      ...context,
      signal: stop.signal,
    });
  } catch (error) {
    if (!stop.signal.aborted || leftSomething(error)) throw error;
    return await stop.requested;
  }
  let { rules } = resolved;
  let asked = config;
  let held = { config, resolved };
  /** Of the cloud, as far as its catalog has been asked for: beside what the configuration says. */
  let catalogSubnets: readonly SubnetRule[] = [];
  const setRules = async (wanted: readonly CaptureRule[]): Promise<void> => {
    await tunnel.setRules(wanted);
    rules = wanted;
  };
  const follow = () =>
    followNames(followedNames(held.config, held.resolved), { logger, lookUp: context.lookUp, setRules });
  let following = follow();
  const running: RunningTunnel = {
    tunnel,
    rules: () => rules,
    capture: async (wanted) => {
      const whole = { ...wanted, subnets: [...wanted.subnets, ...catalogSubnets] };
      const other = await resolve(whole);
      // Else the names of before might set their rules once more.
      following.stop();
      try {
        await setRules(other.rules);
        held = { config: whole, resolved: other };
        asked = wanted;
      } finally {
        following = follow();
      }
      return other.warnings;
    },
  };
  let catalogs: { stop(): void } | undefined;
  let metrics: MetricsServer | undefined;
  const beforeReady = async (): Promise<void> => {
    if (config.metrics !== undefined) {
      const { serveMetrics } = await import('../metrics/serve-metrics.ts');
      metrics = await serveMetrics(config.metrics, () => tunnel.status());
    }
    const authHost = config.openstack?.authHost;
    if (authHost?.isKnownHere === false) {
      const { requireKnownHost } = await import('../following/require-known-host.ts');
      await requireKnownHost(authHost, tunnel, stop.signal);
    }
    if (catalog === undefined) return;
    const { followCatalog } = await import('../following/follow-catalog.ts');
    catalogs = await followCatalog(catalog, config, {
      logger,
      open: openAsApplication(tunnel, config.dns?.zones),
      signal: stop.signal,
      capture: async (subnets) => {
        const before = catalogSubnets;
        catalogSubnets = subnets;
        try {
          await running.capture(asked);
        } catch (error) {
          catalogSubnets = before;
          throw error;
        }
        return held.resolved;
      },
    });
  };
  try {
    return await keepUp(running, context, beforeReady);
  } finally {
    metrics?.close();
    catalogs?.stop();
    following.stop();
  }
}

function followedNames(config: Config, { effective, addressesOf }: ResolvedSubnets): FollowedNames {
  return new FollowedNames({ ...config, subnets: effective }, addressesOf, performance.now());
}

/** What a catalog is asked of while the tunnel is up; a file has been read by now. */
async function catalogSource({ openstack }: Config): Promise<CatalogSource | undefined> {
  if (openstack?.catalog === undefined || openstack.catalog.kind === 'file') return undefined;
  const { openCatalogSource } = await import('../openstack/catalog-source.ts');
  return openCatalogSource(openstack, process.env);
}

async function keepUp(
  running: RunningTunnel,
  { stop, onReady }: UpContext,
  beforeReady: () => Promise<void>,
): Promise<number> {
  let end: number | TshuttleError | undefined;
  try {
    try {
      await beforeReady();
      // A request that came before this moment ends the tunnel unannounced; what is waited for, such as a probe, is cancelled.
      if (!stop.signal.aborted) await onReady(running);
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
    end = await Promise.race([stop.requested, running.tunnel.lost]);
  } finally {
    await running.tunnel.close();
  }
  if (end instanceof TshuttleError) throw end;
  return end;
}

/** Whether a failure while stopping is more than the stop itself. */
function leftSomething(error: unknown): boolean {
  return error instanceof AggregateError || (error instanceof TshuttleError && error.code === 'ERR_CLEANUP');
}

function tunnelOptions(
  config: Config,
  rules: readonly CaptureRule[],
  { stateFolder, lookUp, isRootless = false, namespace }: UpContext,
): TunnelOptions {
  const carriesAll = isRootless || namespace !== undefined;
  return {
    remote: sshRequestOf(config),
    rules,
    listen: listenAddresses(config),
    method: config.method,
    dns: isRootless ? undefined : namespace === undefined ? config.dns : dnsOfAll(config),
    namespace,
    stateFolder: join(stateFolder, 'synthetic-addresses'),
    ipv6: config.ipv6 && namespace?.ipv6 !== false,
    captures: namespace !== undefined || (!isRootless && capturesAnything(config)),
    split: carriesAll ? splitOptions(config, lookUp, namespace !== undefined) : undefined,
    proxies: config.proxies,
    proxyCredentials: config.proxyLogin,
    mayOpenSession: config.mayOpenSession,
    connections: config.connections,
    transport: config.transport,
    onDown: config.onDown,
    holdMs: config.holdSeconds * 1000,
  };
}

/** Where no query finds its way by itself, those for names of no concern to us are passed on. */
function dnsOfAll({ dns }: Config): DnsOptions {
  const asEver: DnsOptions = {
    nameservers: 'system',
    resolvers: [],
    everything: false,
    zones: [],
    hosts: [],
    bastionHosts: false,
    resolve: 'auto',
    syntheticRanges: DEFAULT_RANGES,
  };
  return dns === undefined ? asEver : { ...dns, nameservers: 'system' };
}

function splitOptions({ dns, subnets }: Config, lookUp: LookUp, refusesOwnAddresses: boolean): SplitOptions {
  const names = subnets.flatMap(({ action, subnet }) =>
    action === 'include' && subnet.kind === 'name' ? [subnet.name] : [],
  );
  return { zones: dns?.zones ?? [], hosts: dns?.hosts ?? [], names, lookUp, refusesOwnAddresses };
}

function listenAddresses({ listen, ipv6 }: Config): ListenAddresses | undefined {
  const { address4, address6, port } = listen;
  if (address4 !== undefined || address6 !== undefined) return listen;
  if (port === undefined) return undefined;
  return { address4: '127.0.0.1', address6: ipv6 && hasIPv6Loopback() ? '::1' : undefined, port };
}

function hasIPv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );
}
