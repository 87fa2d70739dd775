import type { OpenstackOption } from '../../config/config.ts';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import type { Problem } from '../../core/problem.ts';
import { formatHostPort } from '../../net/address/endpoint.ts';
import type { Cloud } from '../../openstack/clouds/choose-cloud.ts';
import { officialType } from '../../openstack/clouds/service-types.ts';
import { DIRECTLY } from '../../openstack/https/probe.ts';
import type { OpenSocket } from '../../openstack/https/reach.ts';
import { readTrust } from '../../openstack/https/trust.ts';
import { type CatalogFilter, readCatalog } from '../../openstack/keystone/catalog.ts';
import { readCredentials } from '../../openstack/keystone/credentials.ts';
import { openSession } from '../../openstack/keystone/identity-client.ts';
import { listServers } from '../../openstack/nova/compute-client.ts';
import type { Server } from '../../openstack/nova/server-list.ts';
import { chooseWantedCloud, cloudSurroundings, wantedEndpoints } from './openstack-capture.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The servers of a cloud's project, or all that is wrong with the cloud. */
export type ProjectServers =
  | { readonly kind: 'servers'; readonly cloud: Cloud; readonly servers: readonly Server[] }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/** For all of it: a login, and a page for each 200 servers. */
const TIMEOUT_MS = 60_000;

/**
 * Lists the servers of the project that a cloud's credentials are for. Goes to the API from here, as the cloud's own clients do:
 * through a tunnel where one captures it.
 *
 * @param open how the API is reached
 * @throws TshuttleError as `openSession` and `listServers`; ERR_CONFIG without credentials that can be used; the signal's reason
 */
export async function listProjectServers(
  name: string | undefined,
  environment: Environment,
  stop: AbortSignal,
  open: OpenSocket = openDirectly,
): Promise<ProjectServers> {
  const surroundings = cloudSurroundings(environment);
  const option: OpenstackOption = {
    cloud: name,
    region: undefined,
    interface: undefined,
    catalog: { kind: 'credentials' },
  };
  const chosen = chooseWantedCloud(option, surroundings);
  if (chosen.kind === 'problems') return chosen;
  const { cloud, layers } = chosen;
  const found = readCredentials(cloud, layers, environment);
  if (found.kind === 'none') {
    throw new TshuttleError(
      'ERR_CONFIG',
      `the servers of the cloud ${cloud.name} cannot be asked for: ${found.why}`,
      {
        remedy: 'set OS_TOKEN to what openstack token issue -f value -c id prints',
      },
    );
  }
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const context = { open, trust: readTrust(cloud, surroundings), signal: AbortSignal.any([stop, deadline]) };
  try {
    const session = await openSession(cloud.authUrl, found.credentials, context);
    const compute = computeEndpoint(session.data, wantedEndpoints(option, cloud, environment), cloud);
    return { kind: 'servers', cloud, servers: await listServers(compute, session, context) };
  } catch (error) {
    if (stop.aborted || !deadline.aborted) throw error;
    throw new TshuttleError(
      'ERR_API_UNREACHABLE',
      `the API of ${cloud.name} gives no list within ${TIMEOUT_MS / 1000} s`,
      {
        remedy: THROUGH_BASTION,
        cause: error,
      },
    );
  }
}

const THROUGH_BASTION =
  'where the API admits known addresses only, have a tunnel capture it: tshuttle -r BASTION --openstack CLOUD --openstack-catalog';

/** @throws TshuttleError ERR_API_ANSWER where the catalog has none */
function computeEndpoint(data: unknown, filter: CatalogFilter, cloud: Cloud): URL {
  const catalog = readCatalog(data, filter);
  const services = catalog.kind === 'places' ? catalog.places.flatMap((place) => place.services) : [];
  const compute = services.find(({ type }) => officialType(type) === 'compute');
  if (compute !== undefined) return compute.url;
  const what = catalog.kind === 'places' ? 'has no compute service' : catalog.what;
  throw new TshuttleError('ERR_API_ANSWER', `the catalog of ${cloud.name} ${what}`, {
    remedy: 'check the region and the interface, and that the credentials are for a project',
  });
}

const openDirectly: OpenSocket = async (place, signal) => {
  try {
    return await DIRECTLY.open(place, signal);
  } catch (error) {
    signal.throwIfAborted();
    const where = formatHostPort(place.host, place.port);
    throw new TshuttleError('ERR_API_UNREACHABLE', `${where} cannot be connected to: ${messageOf(error)}`, {
      remedy: THROUGH_BASTION,
      cause: error,
    });
  }
};
