import { TshuttleError } from '../../core/errors.ts';
import { formatHostPort } from '../../net/address/endpoint.ts';
import { hostPortOf } from '../clouds/auth-url.ts';
import { ask, below, type HttpAnswer, type HttpContext } from '../https/http.ts';
import type { Session } from '../keystone/identity-client.ts';
import { readServerPage, type Server } from './server-list.ts';

/** Every cloud has it since 2014; later ones add fields that nobody reads here. */
const MICROVERSION = '2.1';

/** Servers are some 2 kB each, and clouds give 1,000 at once at most. */
const PAGE_SIZE = 200;

/** More than anybody logs in to. */
const MAX_SERVERS = 5_000;

/** A server that is deleted while the list is read takes the place of the next page with it. */
const MAX_READINGS = 3;

/**
 * Lists the servers of the project that the token is for, by reading: GET and nothing else. The token goes to this host only, over
 * verified TLS.
 *
 * @param compute the endpoint of the catalog
 * @throws TshuttleError ERR_API_REFUSED, ERR_API_ANSWER, ERR_CONFIG when the endpoint is not https; and as {@link ask}
 */
export async function listServers(
  compute: URL,
  { token }: Pick<Session, 'token'>,
  context: HttpContext,
): Promise<readonly Server[]> {
  if (compute.protocol !== 'https:') {
    throw new TshuttleError(
      'ERR_CONFIG',
      `the compute endpoint ${compute.origin} is not https: no token is sent there`,
      {
        remedy:
          'ask who runs the cloud for an endpoint with https, or set compute_endpoint_override in clouds.yaml',
      },
    );
  }
  for (let reading = 1; ; reading += 1) {
    const servers = await readAll(versioned(compute), token.reveal(), context);
    if (servers !== undefined) return servers;
    if (reading === MAX_READINGS)
      throw answerError(compute, 'loses its place in the list of servers again and again');
  }
}

/** @returns undefined where the last server of a page is gone when the next page is asked for */
async function readAll(
  base: URL,
  token: string,
  context: HttpContext,
): Promise<readonly Server[] | undefined> {
  const servers = new Map<string, Server>();
  for (let marker: string | undefined; ; ) {
    const url = below(base, 'servers/detail');
    url.searchParams.set('limit', String(PAGE_SIZE));
    // Of the place in the list only the marker is taken from Nova: its links may name a host for other people.
    if (marker !== undefined) url.searchParams.set('marker', marker);
    const headers = {
      'x-auth-token': token,
      'openstack-api-version': `compute ${MICROVERSION}`,
      'x-openstack-nova-api-version': MICROVERSION,
    };
    const answer = await ask({ url, method: 'GET', headers }, context);
    if (answer.status === 400 && marker !== undefined) return undefined;
    refuseOther(answer, base);
    const page = readServerPage(answer.data);
    if (page === undefined) throw answerError(base, 'answers with no list of servers');
    const before = servers.size;
    for (const server of page.servers) servers.set(server.id, server);
    if (servers.size > MAX_SERVERS) throw answerError(base, `lists more than ${MAX_SERVERS} servers`);
    if (!page.hasMore || page.servers.length === 0) return [...servers.values()];
    if (servers.size === before) throw answerError(base, 'lists the same servers again and again');
    marker = page.servers.at(-1)?.id;
  }
}

/** An endpoint that is overridden may lack the version that those of a catalog have, or have a place for the project, which Nova can do without. */
function versioned(compute: URL): URL {
  const url = new URL(compute);
  url.pathname = compute.pathname.replace(/\/[%$]\((?:project|tenant)_id\)s/, '');
  return /\/v\d/.test(url.pathname) ? url : below(url, `v${MICROVERSION}`);
}

function refuseOther({ status }: HttpAnswer, base: URL): void {
  if (status === 200) return;
  if (status === 401 || status === 403) {
    throw new TshuttleError('ERR_API_REFUSED', `Nova at ${placeOf(base)} refuses the token (${status})`, {
      remedy: 'check that the credentials are for a project, with a role that may list its servers',
    });
  }
  throw answerError(base, `answers ${status} and no list of servers`);
}

function answerError(base: URL, what: string): TshuttleError {
  return new TshuttleError('ERR_API_ANSWER', `Nova at ${placeOf(base)} ${what}`, {
    remedy: 'compare with openstack server list, and ask who runs the cloud',
  });
}

function placeOf(url: URL): string {
  const { host, port } = hostPortOf(url)!;
  return formatHostPort(host, port);
}
