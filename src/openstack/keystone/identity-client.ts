import * as v from 'valibot';
import { TshuttleError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { formatHostPort } from '../../net/address/endpoint.ts';
import type { AuthUrl } from '../clouds/auth-url.ts';
import { ask, below, type HttpAnswer, type HttpContext } from '../https/http.ts';
import { authenticationBody } from './authentication-body.ts';
import type { Credentials } from './credentials.ts';

/** What Keystone gives for credentials. */
export interface Session {
  /** For the services of the catalog. */
  readonly token: Secret;
  /** The answer with the catalog, for `readCatalog`. */
  readonly data: unknown;
}

/**
 * Asks Keystone for the catalog. The credentials go to the auth host and nowhere else, over verified TLS only.
 *
 * @returns what it answered, for `readCatalog`
 * @throws TshuttleError as {@link openSession}
 */
export async function fetchCatalog(
  authUrl: AuthUrl,
  credentials: Credentials,
  context: HttpContext,
): Promise<unknown> {
  return (await request(authUrl, credentials, context)).data;
}

/**
 * Logs in to Keystone: {@link fetchCatalog} with the token for the services in it. A token that is there already is used itself.
 *
 * @throws TshuttleError ERR_API_REFUSED when it does not accept the credentials, ERR_API_ANSWER when it answers otherwise,
 *   ERR_CONFIG when auth_url is not https; and as {@link ask}
 */
export async function openSession(
  authUrl: AuthUrl,
  credentials: Credentials,
  context: HttpContext,
): Promise<Session> {
  const { data, headers } = await request(authUrl, credentials, context);
  if (credentials.kind === 'token') return { token: credentials.token, data };
  const token = headers['x-subject-token'];
  if (token !== undefined) return { token: new Secret(token), data };
  throw new TshuttleError('ERR_API_ANSWER', `Keystone at ${placeOf(authUrl)} answers without a token`, {
    remedy: `check that auth_url (${authUrl.from}) is that of the identity service, version 3`,
  });
}

async function request(
  authUrl: AuthUrl,
  credentials: Credentials,
  context: HttpContext,
): Promise<HttpAnswer> {
  if (authUrl.url.protocol !== 'https:') {
    const message = `auth_url (${authUrl.from}) is not https: no secret is sent there`;
    throw new TshuttleError('ERR_CONFIG', message, { remedy: LET_CLIENT_ASK });
  }
  const base = await versionedUrl(authUrl, context);
  const answer =
    credentials.kind === 'token'
      ? await ask(
          {
            url: below(base, 'auth/catalog'),
            method: 'GET',
            headers: { 'x-auth-token': credentials.token.reveal() },
          },
          context,
        )
      : await ask(
          { url: below(base, 'auth/tokens'), method: 'POST', body: authenticationBody(credentials) },
          context,
        );
  refuseOther(answer, authUrl, credentials);
  return answer;
}

const LET_CLIENT_ASK =
  'let your own client ask: --openstack-catalog=cli, or a file of openstack catalog list -f json';

const versions = v.object({
  versions: v.object({
    values: v.array(
      v.object({
        id: v.string(),
        links: v.optional(v.array(v.object({ rel: v.string(), href: v.string() })), []),
      }),
    ),
  }),
});

/** The URL of the v3 API: as written, or where an unversioned one says that it is, on the same host. */
async function versionedUrl({ url }: AuthUrl, context: HttpContext): Promise<URL> {
  if (/\/v3\/?$/.test(url.pathname)) return url;
  const { data } = await ask({ url: below(url, ''), method: 'GET' }, context);
  const parsed = v.safeParse(versions, data);
  const v3 = parsed.success ? parsed.output.versions.values.find(({ id }) => id.startsWith('v3')) : undefined;
  const href = v3?.links.find(({ rel }) => rel === 'self')?.href;
  // Its host may be one for other people, or lack the port (native-notes/openstack-clients.md).
  const path = href !== undefined && URL.canParse(href) ? new URL(href).pathname : below(url, 'v3').pathname;
  const versioned = new URL(url);
  versioned.pathname = path;
  return versioned;
}

const NAMES: Readonly<Record<Credentials['kind'], string>> = {
  token: 'the token',
  'application-credential': 'the application credential',
  password: 'the user name or password',
};

const REMEDIES: Readonly<Record<Credentials['kind'], string>> = {
  token: 'a token lasts some hours: openstack token issue makes a new one',
  'application-credential': 'it may have expired or been revoked: openstack application credential list',
  password: 'check user, password, project and their domains in clouds.yaml, secure.yaml or OS_*',
};

function placeOf({ host, port }: AuthUrl): string {
  return formatHostPort(host, port);
}

function refuseOther({ status }: HttpAnswer, authUrl: AuthUrl, { kind }: Credentials): void {
  if (status === 200 || status === 201) return;
  const { from } = authUrl;
  const where = `Keystone at ${placeOf(authUrl)}`;
  if (status === 401 || status === 403) {
    throw new TshuttleError('ERR_API_REFUSED', `${where} refuses ${NAMES[kind]} (${status})`, {
      remedy: REMEDIES[kind],
    });
  }
  throw new TshuttleError('ERR_API_ANSWER', `${where} answers ${status} and no catalog`, {
    remedy: `check that auth_url (${from}) is that of the identity service, version 3`,
  });
}
