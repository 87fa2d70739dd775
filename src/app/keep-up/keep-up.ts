import type { Config } from '../../config/config.ts';
import { FollowedNames } from '../../config/followed-names.ts';
import type { SubnetRule } from '../../config/parse/networks/subnet.ts';
import { type ResolvedSubnets, resolveSubnets } from '../../config/resolve-subnets.ts';
import { TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { type Problem, renderProblem } from '../../core/problem.ts';
import type { OnStep } from '../../core/progress.ts';
import type { CaptureRule } from '../../net/address/capture-rule.ts';
import type { Prompter } from '../../ssh/prompter.ts';
import type { openTunnel } from '../../tunnel/open-tunnel.ts';
import type { Tunnel } from '../../tunnel/tunnel.ts';
import { followNames } from '../following/follow-names.ts';
import type { MetricsServer } from '../metrics/serve-metrics.ts';
import type { CatalogSource } from '../openstack/catalog-source.ts';
import type { Stop } from '../stop.ts';
import { openAsApplication } from './open-as-application.ts';
import { type TunnelSurroundings, tunnelOptions } from './tunnel-options-of.ts';

/** Dependencies of {@link up}. */
export interface UpContext extends TunnelSurroundings {
  /** What the tunnel is called. */
  readonly name: string;
  /** Of this program. */
  readonly version: string;
  readonly logger: Logger;
  readonly prompter: Prompter;
  readonly stop: Stop;
  readonly openTunnel: typeof openTunnel;
  /** Called once, when the tunnel carries. */
  readonly onReady: (running: RunningTunnel) => Promise<void>;
  /** Tells the user what happens to the tunnel; undefined: nobody is told. */
  readonly events?: TunnelListener | undefined;
  /** Told of what is waited for until then. */
  readonly onStep?: OnStep | undefined;
}

/** Hears what happens to a tunnel. */
interface TunnelListener {
  /** The prompter to use instead of this one. */
  watching(prompter: Prompter): Prompter;
  /** The tunnel is up, and the user knows. */
  follow(tunnel: Tunnel): void;
  /** It has ended. Never rejects. @param failure left out: as was asked for */
  end(failure?: unknown): Promise<void>;
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
  const { events, onStep } = context;
  const prompter = events === undefined ? context.prompter : events.watching(context.prompter);
  const onReady: UpContext['onReady'] = async (running) => {
    onStep?.(undefined);
    await context.onReady(running);
  };
  try {
    const exitCode = await openAndKeep(config, { ...context, prompter, onReady });
    await events?.end(context.stop.failure);
    return exitCode;
  } catch (error) {
    await events?.end(error);
    throw error;
  } finally {
    onStep?.(undefined);
  }
}

async function openAndKeep(config: Config, context: UpContext): Promise<number> {
  if (config.namespace === undefined) return await upWithin(config, context);
  const { enterNamespace } = await import('../../net/machine/namespace/entered-namespace.ts');
  const namespace = await enterNamespace(config.namespace);
  try {
    return await upWithin(config, { ...context, namespace });
  } finally {
    await namespace.close();
  }
}

async function upWithin(config: Config, context: UpContext): Promise<number> {
  const { stop, logger, onStep } = context;
  const catalog = await catalogSource(config);
  onStep?.('looking up the names to capture');
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
  /** Of the bastion's routes, and of the cloud, as far as they have been asked for: beside what the configuration says. */
  let bastionNetworks: readonly SubnetRule[] = [];
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
      const whole = { ...wanted, subnets: [...wanted.subnets, ...bastionNetworks, ...catalogSubnets] };
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
      metrics = await serveMetrics(config.metrics, context, () => tunnel.status());
    }
    const authHost = config.openstack?.authHost;
    if (authHost?.isKnownHere === false) {
      const { requireKnownHost } = await import('../following/require-known-host.ts');
      onStep?.(`looking up ${authHost.host} through the bastion`);
      await requireKnownHost(authHost, tunnel, stop.signal);
    }
    if (config.autoNets) {
      const { networksOfBastion } = await import('../bastion-networks/bastion-networks.ts');
      onStep?.('asking the bastion for its networks');
      bastionNetworks = await networksOfBastion(tunnel, {
        logger,
        asked: rules,
        families: config.ipv6 ? [4, 6] : [4],
        // What this machine reaches by itself, another namespace does not.
        ...(config.namespace === undefined ? {} : { ownNetworks: async () => [] }),
      });
      await running.capture(asked);
    }
    if (catalog === undefined) return;
    const { followCatalog } = await import('../following/follow-catalog.ts');
    onStep?.('asking the cloud for its endpoints');
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
  { stop, onReady, events }: UpContext,
  beforeReady: () => Promise<void>,
): Promise<number> {
  let end: number | TshuttleError | undefined;
  try {
    try {
      await beforeReady();
      // A request that came before this moment ends the tunnel unannounced; what is waited for, such as a probe, is cancelled.
      if (!stop.signal.aborted) await onReady(running);
      if (!stop.signal.aborted) events?.follow(running.tunnel);
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
