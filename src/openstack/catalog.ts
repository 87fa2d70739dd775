import * as v from 'valibot';
import { formatHostPort, type HostPort } from '../net/endpoint.ts';
import { hostPortOf } from './auth-url.ts';
import type { Interface } from './choose-cloud.ts';

/** A place where services of a cloud are, one or several. */
export interface ServicePlace extends HostPort {
  readonly services: ReadonlyArray<{ readonly type: string; readonly url: URL }>;
}

/** The places of a catalog, or in one sentence why there are none. */
export type CatalogResult =
  | { readonly kind: 'places'; readonly places: readonly ServicePlace[] }
  | { readonly kind: 'invalid'; readonly what: string };

/** Which endpoints are wanted. */
export interface CatalogFilter {
  readonly interface: Interface;
  /** Undefined for all regions. */
  readonly region: string | undefined;
}

/** More than any cloud has services. */
const MAX_PLACES = 256;

const endpoint = v.object({
  interface: v.string(),
  url: v.string(),
  region: v.nullish(v.string()),
  region_id: v.nullish(v.string()),
});

/** As in a token of Keystone's v3 API. */
const services = v.array(
  v.object({ type: v.optional(v.string(), ''), endpoints: v.optional(v.array(endpoint), []) }),
);

/** What `openstack catalog list -f json` prints. */
const listed = v.array(v.object({ Type: v.nullish(v.string()), Endpoints: v.nullish(v.array(endpoint)) }));

const answer = v.union([
  v.pipe(
    listed,
    v.minLength(1),
    v.check((items) => items.some(({ Endpoints }) => Endpoints !== undefined)),
    v.transform((items) =>
      items.map(({ Type, Endpoints }) => ({ type: Type ?? '', endpoints: Endpoints ?? [] })),
    ),
  ),
  services,
  v.pipe(
    v.object({ catalog: services }),
    v.transform(({ catalog }) => catalog),
  ),
  v.pipe(
    v.object({ token: v.object({ catalog: services }) }),
    v.transform(({ token }) => token.catalog),
  ),
]);

/**
 * Reads a catalog, as `openstack catalog list -f json` prints it or as Keystone answers: every host and port once, where the
 * endpoints of the interface and the region are.
 */
export function readCatalog(data: unknown, filter: CatalogFilter): CatalogResult {
  const parsed = v.safeParse(answer, data);
  if (!parsed.success)
    return { kind: 'invalid', what: 'is no catalog, as openstack catalog list -f json prints it' };
  const places = new Map<
    string,
    { host: string; port: number; services: Array<{ type: string; url: URL }> }
  >();
  const regions = new Set<string>();
  for (const { type, endpoints } of parsed.output) {
    for (const one of endpoints) {
      if (one.interface.replace(/URL$/, '') !== filter.interface) continue;
      const region = one.region_id ?? one.region ?? undefined;
      if (region !== undefined) regions.add(region);
      if (filter.region !== undefined && region !== undefined && region !== filter.region) continue;
      const url = URL.canParse(one.url) ? new URL(one.url) : undefined;
      const place = url === undefined ? undefined : hostPortOf(url);
      if (url === undefined || place === undefined) continue;
      const key = formatHostPort(place.host, place.port);
      const known = places.get(key) ?? { ...place, services: [] };
      known.services.push({ type, url });
      places.set(key, known);
    }
  }
  if (places.size === 0) return { kind: 'invalid', what: whyEmpty(filter, [...regions]) };
  if (places.size > MAX_PLACES) return { kind: 'invalid', what: `has more than ${MAX_PLACES} places` };
  return { kind: 'places', places: [...places.values()] };
}

function whyEmpty({ interface: wanted, region }: CatalogFilter, regions: readonly string[]): string {
  if (region === undefined || regions.length === 0) return `has no ${wanted} endpoint`;
  return `has no ${wanted} endpoint in the region ${region}, only in ${regions.join(', ')}`;
}
