import { Secret } from '../../core/secret.ts';
import { isSamePlace, parseAuthUrl } from '../clouds/auth-url.ts';
import type { Cloud } from '../clouds/choose-cloud.ts';
import { type Layer, lookUpText } from '../clouds/layers.ts';

/** Credentials for a catalog. They are kept in memory only, and go to the auth host only. */
export type Credentials =
  | { readonly kind: 'token'; readonly token: Secret }
  | {
      readonly kind: 'application-credential';
      readonly id: string | undefined;
      readonly name: string | undefined;
      readonly user: Identity | undefined;
      readonly secret: Secret;
    }
  | { readonly kind: 'password'; readonly user: Identity; readonly password: Secret; readonly scope: Scope };

/** A user, by id or by name and domain. */
interface Identity {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly domain: Domain;
}

interface Domain {
  readonly id: string | undefined;
  readonly name: string | undefined;
}

/** What a token is for. One that is for nothing has no catalog. */
type Scope =
  | {
      readonly kind: 'project';
      readonly id: string | undefined;
      readonly name: string | undefined;
      readonly domain: Domain;
    }
  | { readonly kind: 'domain'; readonly domain: Domain }
  | { readonly kind: 'trust'; readonly id: string }
  | { readonly kind: 'system' }
  | { readonly kind: 'unscoped' };

/** The credentials, or in one sentence why there are none that can be used. */
export type CredentialsResult =
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  | { readonly kind: 'none'; readonly why: string };

/**
 * Takes what may ask for the catalog out of a cloud's configuration: a token (OS_TOKEN, where OS_AUTH_URL does not mean
 * another cloud), an application credential, or a password, in this order.
 */
export function readCredentials(
  cloud: Cloud,
  layers: readonly Layer[],
  environment: Readonly<Record<string, string | undefined>>,
): CredentialsResult {
  const type =
    lookUpText(layers, ['auth_type'])?.text ?? lookUpText(layers, ['auth_plugin'])?.text ?? 'password';
  const setting = (...names: readonly string[]): string | undefined => {
    for (const name of names) {
      const found = lookUpText(layers, ['auth', name]) ?? lookUpText(layers, [name]);
      if (found !== undefined) return found.text;
    }
    return undefined;
  };
  const token = tokenOfEnvironment(cloud, environment) ?? setting('token', 'auth_token');
  if (token !== undefined) return usable({ kind: 'token', token: new Secret(token) });
  if (!KNOWN_TYPES.has(type)) return none(`its auth_type ${type} needs the user's own client`);
  const project = { id: setting('project_id', 'tenant_id'), name: setting('project_name', 'tenant_name') };
  const isForProject = project.id !== undefined || project.name !== undefined;
  const ownDomain = { id: setting('domain_id'), name: setting('domain_name') };
  const domain = (prefix: string): Domain => {
    const [id, name] = [setting(`${prefix}domain_id`), setting(`${prefix}domain_name`)];
    // Without a project it is what the token is for.
    const common = isForProject || (id ?? name) === undefined ? ownDomain : undefined;
    return { id: id ?? common?.id ?? setting('default_domain_id'), name: name ?? common?.name };
  };
  const name = setting('username', 'user_name');
  const id = setting('user_id');
  const user = name === undefined && id === undefined ? undefined : { id, name, domain: domain('user_') };
  const secret = setting('application_credential_secret');
  if (secret !== undefined) {
    const credentialId = setting('application_credential_id');
    const credentialName = setting('application_credential_name');
    if (credentialId === undefined && (credentialName === undefined || user === undefined))
      return none('it has a secret, but no application_credential_id');
    const credential = { id: credentialId, name: credentialName, user, secret: new Secret(secret) };
    return usable({ kind: 'application-credential', ...credential });
  }
  const password = setting('password');
  if (password === undefined || user === undefined) {
    return none('it has neither a token, nor an application credential, nor a user name with a password');
  }
  const trust = setting('trust_id');
  const isForDomain = !isForProject && (ownDomain.id !== undefined || ownDomain.name !== undefined);
  if (trust !== undefined && (isForProject || isForDomain))
    return none(
      `it has a trust_id and a ${isForProject ? 'project' : 'domain'}, and a token is for one of them`,
    );
  const scope: Scope = isForProject
    ? { kind: 'project', ...project, domain: domain('project_') }
    : isForDomain
      ? { kind: 'domain', domain: ownDomain }
      : trust !== undefined
        ? { kind: 'trust', id: trust }
        : { kind: setting('system_scope') === 'all' ? 'system' : 'unscoped' };
  return usable({ kind: 'password', user, password: new Secret(password), scope });
}

/** Methods of authentication that need one question and one answer. */
const KNOWN_TYPES: ReadonlySet<string> = new Set([
  'password',
  'v3password',
  'token',
  'v3token',
  'v3applicationcredential',
]);

function tokenOfEnvironment(
  cloud: Cloud,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const token = environment['OS_TOKEN'];
  const url = environment['OS_AUTH_URL'];
  if (token === undefined || token === '') return undefined;
  if (url === undefined || url === '') return token;
  const result = parseAuthUrl({ text: url, where: 'OS_AUTH_URL' });
  return result.kind === 'auth-url' && isSamePlace(result.authUrl, cloud.authUrl) ? token : undefined;
}

function usable(credentials: Credentials): CredentialsResult {
  return { kind: 'credentials', credentials };
}

function none(why: string): CredentialsResult {
  return { kind: 'none', why };
}
