import * as v from 'valibot';
import { TshuttleError } from '../../core/errors.ts';
import { formatHostPort } from '../../net/address/endpoint.ts';
import type { AuthUrl } from '../clouds/auth-url.ts';
import { ask, type HttpAnswer, type HttpContext } from '../https/http.ts';
import { authenticationBody } from './authentication-body.ts';
import type { Credentials } from './credentials.ts';

/**
 * Asks Keystone for the catalog. The credentials go to the auth host and nowhere else, over verified TLS only.
 *
 * @returns what it answered, for `readCatalog`
 * @throws TshuttleError ERR_API_REFUSED when it does not accept the credentials, ERR_API_ANSWER when it answers otherwise,
 *   ERR_CONFIG when auth_url is not https; and as {@link ask}
 */
export async function fetchCatalog(
  authUrl: AuthUrl,
  credentials: Credentials,
  context: HttpContext,
): Promise<unknown> {
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
  return answer.data;
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

function below(url: URL, path: string): URL {
  const inner = new URL(url);
  inner.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
  inner.search = '';
  inner.hash = '';
  return inner;
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

function refuseOther({ status }: HttpAnswer, { host, port, from }: AuthUrl, { kind }: Credentials): void {
  if (status === 200 || status === 201) return;
  const where = `Keystone at ${formatHostPort(host, port)}`;
  if (status === 401 || status === 403) {
    throw new TshuttleError('ERR_API_REFUSED', `${where} refuses ${NAMES[kind]} (${status})`, {
      remedy: REMEDIES[kind],
    });
  }
  throw new TshuttleError('ERR_API_ANSWER', `${where} answers ${status} and no catalog`, {
    remedy: `check that auth_url (${from}) is that of the identity service, version 3`,
  });
}
