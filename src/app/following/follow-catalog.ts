import type { Config } from '../../config/config.ts';
import type { SubnetRule } from '../../config/parse/networks/subnet.ts';
import type { ResolvedSubnets } from '../../config/resolve-subnets.ts';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { formatHostPort } from '../../net/address/endpoint.ts';
import type { OpenSocket } from '../../openstack/https/reach.ts';
import type { CatalogSource } from '../openstack/catalog-source.ts';
import { subnetsOf, withAuthHost } from '../openstack/openstack-capture.ts';

/** A catalog changes when its cloud gets a new service; it is asked for again as often as this. */
const REFRESH_MS = 30 * 60_000;

/** Dependencies of {@link followCatalog}. */
export interface CatalogContext {
  readonly logger: Logger;
  readonly open: OpenSocket;
  readonly signal: AbortSignal;
  /** Captures the places of the catalog beside what else is captured, in place of those before. */
  readonly capture: (subnets: readonly SubnetRule[]) => Promise<ResolvedSubnets>;
}

/**
 * Captures the places of a cloud's catalog, and asks for it again every half hour until it is stopped. One that cannot be
 * had later leaves the places captured; credentials that are refused are not tried again.
 *
 * @throws TshuttleError when the first one cannot be had
 */
export async function followCatalog(
  source: CatalogSource,
  config: Config,
  context: CatalogContext,
): Promise<{ stop(): void }> {
  const follower = new CatalogFollower(source, config, context);
  await follower.refresh();
  return { stop: () => follower.stop() };
}

class CatalogFollower {
  readonly #source: CatalogSource;
  readonly #config: Config;
  readonly #context: CatalogContext;
  #captured = '';
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(source: CatalogSource, config: Config, context: CatalogContext) {
    this.#source = source;
    this.#config = config;
    this.#context = context;
  }

  async refresh(): Promise<void> {
    const { logger, open, signal, capture } = this.#context;
    const { cloud } = this.#source;
    const found = withAuthHost(await this.#source.fetch(open, signal), cloud);
    const text = found.map(({ host, port }) => formatHostPort(host, port)).join(', ');
    if (text !== this.#captured && !this.#isStopped) {
      const resolved = await capture(subnetsOf(found, cloud, this.#config.openstack!));
      this.#captured = text;
      logger.info(`the catalog of ${cloud.name} has ${text}, which are captured`);
      this.#warnOfUncaptured(new Set(found.map(({ host }) => host)), resolved);
    }
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#refresh(), REFRESH_MS);
  }

  async #refresh(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      if (this.#isStopped) return;
      const isRefused = error instanceof TshuttleError && error.code === 'ERR_API_REFUSED';
      const next = isRefused ? 'it is not asked for again' : 'it is asked for again later';
      this.#context.logger.warn(
        `the catalog of ${this.#source.cloud.name} cannot be had, what it said before stays captured, ${next}: ${messageOf(error)}`,
      );
      // Every further attempt would count as a wrong password.
      if (!isRefused) this.#schedule();
    }
  }

  #warnOfUncaptured(hosts: ReadonlySet<string>, { addressesOf }: ResolvedSubnets): void {
    for (const host of hosts) {
      const isKnown = addressesOf.has(host) || /^[\d.]+$/.test(host) || host.includes(':');
      if (isKnown || this.#isInZone(host)) continue;
      this.#context.logger.warn(
        `${host} of the catalog is not captured, this machine does not know it: add --domain ${host}`,
      );
    }
  }

  #isInZone(host: string): boolean {
    const zones = this.#config.dns?.zones ?? [];
    return zones.some(({ name }) => host === name || host.endsWith(`.${name}`));
  }
}
