import type { Credentials } from './credentials.ts';

/** The body of POST /v3/auth/tokens (Identity API v3). The secrets in it are in clear. */
export function authenticationBody(credentials: Exclude<Credentials, { kind: 'token' }>): object {
  if (credentials.kind === 'application-credential') {
    const { id, name, user, secret } = credentials;
    const credential = id === undefined ? { name, user: userOf(user!) } : { id };
    const method = { ...credential, secret: secret.reveal() };
    return { auth: { identity: { methods: ['application_credential'], application_credential: method } } };
  }
  const { user, password, scope } = credentials;
  const method = { user: { ...userOf(user), password: password.reveal() } };
  const scoped = scopeOf(scope);
  return {
    auth: {
      identity: { methods: ['password'], password: method },
      ...(scoped === undefined ? {} : { scope: scoped }),
    },
  };
}

type PasswordCredentials = Extract<Credentials, { kind: 'password' }>;

function userOf({ id, name, domain }: PasswordCredentials['user']): object {
  return id === undefined ? { name, domain: domainOf(domain) } : { id };
}

function domainOf({ id, name }: PasswordCredentials['user']['domain']): object {
  if (id !== undefined) return { id };
  return name === undefined ? { id: 'default' } : { name };
}

function scopeOf(scope: PasswordCredentials['scope']): object | undefined {
  switch (scope.kind) {
    case 'project':
      return {
        project:
          scope.id === undefined ? { name: scope.name, domain: domainOf(scope.domain) } : { id: scope.id },
      };
    case 'domain':
      return { domain: domainOf(scope.domain) };
    case 'trust':
      return { 'OS-TRUST:trust': { id: scope.id } };
    case 'system':
      return { system: { all: true } };
    case 'unscoped':
      return undefined;
  }
}
