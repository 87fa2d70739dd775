import { messageOf, TshuttleError } from '../../../../core/errors.ts';
import { isSamePlace } from '../../../../openstack/clouds/auth-url.ts';
import type { Cloud } from '../../../../openstack/clouds/choose-cloud.ts';
import { DIRECTLY, probe, type Way } from '../../../../openstack/https/probe.ts';
import type { OpenSocket } from '../../../../openstack/https/reach.ts';
import type { Trust } from '../../../../openstack/https/trust.ts';
import { type Judgement, judge, type Outcome } from '../../../../openstack/https/verdict.ts';
import type { ServicePlace } from '../../../../openstack/keystone/catalog.ts';

/** The finding about one endpoint of a cloud; plain data, for JSON. */
export interface CheckedEndpoint extends Judgement {
  readonly host: string;
  readonly port: number;
  /** What was asked for. */
  readonly url: string;
  /** The types of the services there. */
  readonly services: readonly string[];
  readonly direct: Outcome;
  readonly throughBastion: Outcome;
}

/** Why there is no catalog, so that only auth_url is checked. */
interface MissingCatalog {
  readonly kind: 'missing-catalog';
  readonly why: string;
  readonly remedy: string | null;
  /** Whether something is wrong; where there are no credentials, nothing is. */
  readonly isProblem: boolean;
}

/** A step of {@link checkCloud}. */
export type CloudFinding = { readonly kind: 'endpoint'; readonly endpoint: CheckedEndpoint } | MissingCatalog;

/** How the catalog is had: it is there, can be asked for, or there is none. */
export type CatalogOffer =
  | { readonly kind: 'places'; readonly places: readonly ServicePlace[] }
  | {
      readonly kind: 'ask';
      readonly fetch: (open: OpenSocket, signal: AbortSignal) => Promise<readonly ServicePlace[]>;
    }
  | MissingCatalog;

/** Dependencies of {@link checkCloud}. */
export interface CloudCheckContext {
  readonly cloud: Cloud;
  readonly catalog: CatalogOffer;
  readonly trust: Trust;
  readonly bastion: Way;
  readonly signal: AbortSignal;
  /** For one endpoint, directly. */
  readonly directTimeoutMs: number;
  /** For one endpoint, through the bastion. */
  readonly bastionTimeoutMs: number;
}

/** Endpoints that are asked at once: an sshd, too, may only be asked for so many at a time. */
const MAX_AT_ONCE = 8;

/**
 * Asks the place of auth_url and then those of the catalog, directly and through the bastion, and judges each. No secret is
 * sent, except to have the catalog.
 *
 * @throws the signal's reason
 */
export async function* checkCloud(context: CloudCheckContext): AsyncGenerator<CloudFinding> {
  const { cloud, catalog } = context;
  const { host, port, url } = cloud.authUrl;
  const identity = { host, port, services: [{ type: 'identity', url }] };
  const first = await check(identity, context);
  yield { kind: 'endpoint', endpoint: first };
  const offered = await placesOf(catalog, first, context);
  if (!('places' in offered)) {
    yield offered;
    return;
  }
  const others = offered.places.filter((place) => !isSamePlace(place, identity));
  for (let index = 0; index < others.length; index += MAX_AT_ONCE) {
    const batch = others.slice(index, index + MAX_AT_ONCE);
    for (const endpoint of await Promise.all(batch.map((place) => check(place, context)))) {
      yield { kind: 'endpoint', endpoint };
    }
  }
}

async function placesOf(
  offer: CatalogOffer,
  identity: CheckedEndpoint,
  { bastion, signal }: CloudCheckContext,
): Promise<{ readonly places: readonly ServicePlace[] } | MissingCatalog> {
  if (offer.kind !== 'ask') return offer;
  if (identity.verdict !== 'works') {
    const why = 'the catalog is not asked for, since its identity service does not work';
    return { kind: 'missing-catalog', why, remedy: null, isProblem: true };
  }
  try {
    return { places: await offer.fetch(bastion.open, signal) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TshuttleError)) throw error;
    return { kind: 'missing-catalog', why: messageOf(error), remedy: error.remedy ?? null, isProblem: true };
  }
}

async function check(
  { host, port, services }: ServicePlace,
  { trust, bastion, signal, directTimeoutMs, bastionTimeoutMs }: CloudCheckContext,
): Promise<CheckedEndpoint> {
  const { url } = services[0]!;
  const [direct, throughBastion] = await Promise.all([
    probe(url, DIRECTLY, { trust, signal, timeoutMs: directTimeoutMs }),
    probe(url, bastion, { trust, signal, timeoutMs: bastionTimeoutMs }),
  ]);
  return {
    host,
    port,
    url: url.href,
    services: [...new Set(services.map(({ type }) => type))],
    direct,
    throughBastion,
    ...judge(direct, throughBastion),
  };
}
