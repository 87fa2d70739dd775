import * as v from 'valibot';
import { formatHostPort, type HostPort } from '../../net/address/endpoint.ts';
import { hostPortOf } from '../clouds/auth-url.ts';
import type { Interface } from '../clouds/interfaces.ts';
import type { SettingsByService } from '../clouds/service-settings.ts';
import { officialType } from '../clouds/service-types.ts';

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
  /** The preferred one first: of each service, the first that it has. */
  readonly interfaces: readonly Interface[];
  /** Undefined for all regions. */
  readonly region: string | undefined;
  /** What holds for a service in their place. */
  readonly services?: SettingsByService | undefined;
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
 * endpoints of the interface and the region are, or where the cloud overrides them.
 */
export function readCatalog(data: unknown, filter: CatalogFilter): CatalogResult {
  const parsed = v.safeParse(answer, data);
  if (!parsed.success)
    return { kind: 'invalid', what: 'is no catalog, as openstack catalog list -f json prints it' };
  const regions = new Set<string>();
  const chosen = parsed.output.flatMap(({ type, endpoints }) => {
    const own = filter.services?.get(officialType(type));
    if (own?.endpoint !== undefined) return [];
    const wanted = { interfaces: own?.interfaces ?? filter.interfaces, region: own?.region ?? filter.region };
    for (const one of endpoints) {
      const region = regionOf(one);
      if (region !== undefined && wanted.interfaces.some((name) => isOf(one, name))) regions.add(region);
    }
    return endpointsOf(endpoints, wanted).flatMap(({ url }) =>
      URL.canParse(url) ? [{ type, url: new URL(url) }] : [],
    );
  });
  const places = placesOf([...chosen, ...overrides(filter.services)]);
  if (places.length === 0) return { kind: 'invalid', what: whyEmpty(filter, [...regions]) };
  if (places.length > MAX_PLACES) return { kind: 'invalid', what: `has more than ${MAX_PLACES} places` };
  return { kind: 'places', places };
}

/** Where services are that the cloud says to be elsewhere than any catalog has them. */
export function overriddenPlaces(services: SettingsByService): readonly ServicePlace[] {
  return placesOf(overrides(services));
}

interface ServiceUrl {
  readonly type: string;
  readonly url: URL;
}

function overrides(services: SettingsByService | undefined): readonly ServiceUrl[] {
  return [...(services ?? [])].flatMap(([type, { endpoint: url }]) =>
    url === undefined ? [] : [{ type, url }],
  );
}

function placesOf(services: readonly ServiceUrl[]): readonly ServicePlace[] {
  const places = new Map<string, HostPort & { readonly services: ServiceUrl[] }>();
  for (const service of services) {
    const place = hostPortOf(service.url);
    if (place === undefined) continue;
    const key = formatHostPort(place.host, place.port);
    const known = places.get(key) ?? { ...place, services: [] };
    known.services.push(service);
    places.set(key, known);
  }
  return [...places.values()];
}

type Endpoint = v.InferOutput<typeof endpoint>;

/** Those of the region, by the first of the interfaces that there is. */
function endpointsOf(
  endpoints: readonly Endpoint[],
  { interfaces, region }: Pick<CatalogFilter, 'interfaces' | 'region'>,
): readonly Endpoint[] {
  const there = endpoints.filter((one) => {
    const its = regionOf(one);
    return region === undefined || its === undefined || its === region;
  });
  const first = interfaces.find((name) => there.some((one) => isOf(one, name)));
  return first === undefined ? [] : there.filter((one) => isOf(one, first));
}

function isOf(one: Endpoint, name: Interface): boolean {
  return one.interface.replace(/URL$/, '') === name;
}

function regionOf({ region_id, region }: Endpoint): string | undefined {
  return region_id ?? region ?? undefined;
}

function whyEmpty({ interfaces, region }: CatalogFilter, regions: readonly string[]): string {
  const wanted = interfaces.join(' or ');
  if (region === undefined || regions.length === 0) return `has no ${wanted} endpoint`;
  return `has no ${wanted} endpoint in the region ${region}, only in ${regions.join(', ')}`;
}
