import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TshuttleError } from '../../../../src/core/errors.ts';
import { chooseCloud } from '../../../../src/openstack/clouds/choose-cloud.ts';
import { readTrust } from '../../../../src/openstack/https/trust.ts';
import { readCredentials } from '../../../../src/openstack/keystone/credentials.ts';
import { fetchCatalog } from '../../../../src/openstack/keystone/identity-client.ts';
import { surroundingsIn } from '../../../support/clients/cloud-surroundings.ts';
import { buildModule } from '../../../support/process/built-module.ts';
import { runCommand } from '../../../support/process/child.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly token: string | undefined;
  readonly body: unknown;
}

/** Argument 1 is the port, argument 2 the authorities as JSON. Prints the code of the failure, or that there is a catalog. */
const ASK_FROM_A_PROCESS = `
  import { connect } from 'node:net';
  const { fetchCatalog } = await import('${resolve(await buildModule('src/openstack/keystone/identity-client.ts'))}');
  const [port, authorities] = process.argv.slice(1).map((text) => JSON.parse(text));
  const open = () => new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', () => {});
  });
  const credentials = { kind: 'token', token: { reveal: () => 'tok3n' } };
  const authUrl = { url: new URL('https://api.example:5000/v3'), from: 'here' };
  const trust = { certificates: authorities ?? undefined, from: 'this machine' };
  const asking = fetchCatalog(authUrl, credentials, { open, trust, signal: AbortSignal.timeout(10000) });
  process.stdout.write(await asking.then(() => 'catalog', (error) => error.code ?? error.message));
`;

const CATALOG = [{ type: 'compute', endpoints: [] }];

describe('asking Keystone for a catalog', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tshuttle-keystone-'));
  const seen: Seen[] = [];
  let status = 201;
  let server: Server;
  let port: number;

  beforeAll(async () => {
    const openssl = (words: string): unknown =>
      execFileSync('openssl', words.split(' '), { cwd: folder, stdio: 'pipe' });
    const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
    openssl(`req -x509 ${key} -days 2 -subj /CN=ca -keyout ca.key -out ca.pem`);
    openssl(`req -x509 ${key} -days 2 -subj /CN=other -keyout other.key -out other.pem`);
    openssl(`req ${key} -subj /CN=api -keyout server.key -out server.csr`);
    writeFileSync(join(folder, 'ext'), 'subjectAltName=DNS:api.example');
    openssl(
      'x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.pem',
    );
    const [cert, secretKey] = ['server.pem', 'server.key'].map((name) => readFileSync(join(folder, name)));
    server = createServer({ cert, key: secretKey }, (request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const url = request.url ?? '';
        const token = request.headers['x-auth-token'] as string | undefined;
        seen.push({
          method: request.method ?? '',
          url,
          token,
          body: text === '' ? undefined : JSON.parse(text),
        });
        if (url === '/identity/') {
          const links = [{ rel: 'self', href: 'https://internal.example/identity/v3/' }];
          response.writeHead(300).end(JSON.stringify({ versions: { values: [{ id: 'v3.14', links }] } }));
          return;
        }
        response.writeHead(status).end(JSON.stringify({ token: { catalog: CATALOG } }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  beforeEach(() => {
    seen.length = 0;
    status = 201;
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Everything leads to the server, as if the bastion had resolved it. */
  const open = (): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket));
      socket.on('error', () => {});
    });

  const fetchFor = async (entry: string, environment: Record<string, string> = {}): Promise<unknown> => {
    writeFileSync(join(folder, 'clouds.yaml'), `clouds: {a: ${entry}}`);
    const surroundings = surroundingsIn(folder, folder, { OS_CLOUD: 'a', ...environment });
    const chosen = chooseCloud({}, surroundings);
    if (chosen.kind !== 'cloud') throw new Error(JSON.stringify(chosen));
    const found = readCredentials(chosen.cloud, chosen.layers, surroundings.environment);
    if (found.kind === 'none') throw new Error(found.why);
    const trust = readTrust(chosen.cloud, surroundings);
    return await fetchCatalog(chosen.cloud.authUrl, found.credentials, {
      open,
      trust,
      signal: AbortSignal.timeout(10_000),
    });
  };
  const failureOf = async (entry: string, environment?: Record<string, string>): Promise<TshuttleError> => {
    const error: unknown = await fetchFor(entry, environment).catch((thrown: unknown) => thrown);
    if (!(error instanceof TshuttleError)) throw error;
    for (const secret of ['hunter2', 'tok3n'])
      expect(`${error.message} ${error.remedy}`).not.toContain(secret);
    return error;
  };

  const PASSWORD =
    'username: me, password: hunter2, project_name: p, user_domain_name: d, project_domain_id: e';
  const URL_V3 = 'https://api.example:5000/v3';
  const TRUSTED = 'cacert: ca.pem';

  it('with a password', async () => {
    expect(await fetchFor(`{auth: {auth_url: '${URL_V3}', ${PASSWORD}}, ${TRUSTED}}`)).toEqual({
      token: { catalog: CATALOG },
    });
    expect(seen).toEqual([
      {
        method: 'POST',
        url: '/v3/auth/tokens',
        token: undefined,
        body: {
          auth: {
            identity: {
              methods: ['password'],
              password: { user: { name: 'me', domain: { name: 'd' }, password: 'hunter2' } },
            },
            scope: { project: { name: 'p', domain: { id: 'e' } } },
          },
        },
      },
    ]);
  });

  it('with an application credential, which goes before a password', async () => {
    await fetchFor(
      `{auth: {auth_url: '${URL_V3}', ${PASSWORD}, application_credential_id: i, application_credential_secret: hunter2}, ${TRUSTED}}`,
    );
    expect(seen[0]?.body).toEqual({
      auth: {
        identity: {
          methods: ['application_credential'],
          application_credential: { id: 'i', secret: 'hunter2' },
        },
      },
    });
  });

  it('with OS_TOKEN, which goes before both, but not to another cloud than that of OS_AUTH_URL', async () => {
    status = 200;
    const entry = `{auth: {auth_url: '${URL_V3}', ${PASSWORD}}, ${TRUSTED}}`;
    await fetchFor(entry, { OS_TOKEN: 'tok3n' });
    expect(seen[0]).toMatchObject({
      method: 'GET',
      url: '/v3/auth/catalog',
      token: 'tok3n',
      body: undefined,
    });
    await fetchFor(entry, { OS_TOKEN: 'tok3n', OS_AUTH_URL: 'https://other.example:5000/v3' });
    expect(seen[1]).toMatchObject({ method: 'POST', token: undefined });
  });

  it('at an auth_url without a version, on the same host whatever its links say', async () => {
    await fetchFor(`{auth: {auth_url: 'https://api.example/identity', ${PASSWORD}}, ${TRUSTED}}`);
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /identity/',
      'POST /identity/v3/auth/tokens',
    ]);
  });

  it.each([
    [401, 'ERR_API_REFUSED', 'Keystone at api.example:5000 refuses the user name or password (401)'],
    [404, 'ERR_API_ANSWER', 'Keystone at api.example:5000 answers 404 and no catalog'],
    [302, 'ERR_API_ANSWER', 'Keystone at api.example:5000 answers 302 and no catalog'],
  ])('which answers %i', async (answered, code, message) => {
    status = answered;
    expect(await failureOf(`{auth: {auth_url: '${URL_V3}', ${PASSWORD}}, ${TRUSTED}}`)).toMatchObject({
      code,
      message,
    });
  });

  it.each([
    [
      `{auth: {auth_url: '${URL_V3}', ${PASSWORD}}, cacert: other.pem}`,
      'ERR_API_CERTIFICATE',
      'api.example:5000: its certificate is not trusted, no certificate authority of other.pem has signed it',
    ],
    [
      `{auth: {auth_url: '${URL_V3}', ${PASSWORD}}}`,
      'ERR_API_CERTIFICATE',
      'api.example:5000: its certificate is not trusted, no certificate authority of this machine has signed it',
    ],
    [
      `{auth: {auth_url: '${URL_V3}', ${PASSWORD}}, verify: no}`,
      'ERR_API_CERTIFICATE',
      'api.example:5000: its certificate is not trusted, no certificate authority of this machine has signed it',
    ],
    [
      `{auth: {auth_url: 'https://wrong.example:5000/v3', ${PASSWORD}}, ${TRUSTED}}`,
      'ERR_API_CERTIFICATE',
      'wrong.example:5000: its certificate is for api.example, not for wrong.example',
    ],
    [
      `{auth: {auth_url: 'http://api.example:5000/v3', ${PASSWORD}}}`,
      'ERR_CONFIG',
      'auth_url (FOLDER/clouds.yaml:1:31) is not https: no secret is sent there',
    ],
    [
      `{auth: {auth_url: '${URL_V3}', ${PASSWORD}}, cacert: none.pem}`,
      'ERR_CONFIG',
      'cacert of the cloud a: FOLDER/none.pem is not there',
    ],
    [
      `{auth: {auth_url: '${URL_V3}', ${PASSWORD}}, cacert: server.key}`,
      'ERR_CONFIG',
      'cacert of the cloud a: FOLDER/server.key has no certificate in PEM',
    ],
  ])('is not done when it is not safe: %s', async (entry, code, message) => {
    const failure = await failureOf(entry);
    expect({ code: failure.code, message: failure.message.replaceAll(folder, 'FOLDER') }).toEqual({
      code,
      message,
    });
    expect(seen).toEqual([]);
  });

  it.each<[string, Record<string, string>, 'expected' | 'another' | undefined]>([
    ['NODE_TLS_REJECT_UNAUTHORIZED=0', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, undefined],
    ['the same with another authority', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'another'],
    ['NODE_EXTRA_CA_CERTS', { NODE_EXTRA_CA_CERTS: 'ca.pem' }, undefined],
    [
      'NODE_OPTIONS=--use-openssl-ca',
      { NODE_OPTIONS: '--use-openssl-ca', SSL_CERT_FILE: 'ca.pem' },
      undefined,
    ],
    [
      'a proxy, NODE_USE_ENV_PROXY=1',
      { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: 'http://127.0.0.1:9', https_proxy: 'http://127.0.0.1:9' },
      'expected',
    ],
  ])('is as safe as ever in a process with %s', async (_what, environment, authority) => {
    const paths = Object.entries(environment).map(([name, value]) =>
      value === 'ca.pem' ? [name, join(folder, value)] : [name, value],
    );
    const file = { expected: 'ca.pem', another: 'other.pem' } as const;
    const ca = authority === undefined ? undefined : [readFileSync(join(folder, file[authority]), 'utf8')];
    const result = await runCommand(
      [
        process.execPath,
        '--input-type=module',
        '-e',
        ASK_FROM_A_PROCESS,
        String(port),
        JSON.stringify(ca ?? null),
      ],
      { env: { PATH: process.env['PATH'] ?? '', ...(Object.fromEntries(paths) as Record<string, string>) } },
    );
    expect(result.stdout, result.stderr).toBe(authority === 'expected' ? 'catalog' : 'ERR_API_CERTIFICATE');
    // The token is accepted or not; it was sent.
    expect(seen.length).toBe(authority === 'expected' ? 1 : 0);
  });

  it('speaks no TLS before 1.2, whatever the options of Node.js allow', async () => {
    const [cert, secretKey] = ['server.pem', 'server.key'].map((name) => readFileSync(join(folder, name)));
    const old = createServer({
      ...{ cert, key: secretKey, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    });
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
    old.on('request', (_request, response) => response.end('{}'));
    const { port: oldPort } = old.address() as AddressInfo;
    const ca = JSON.stringify([readFileSync(join(folder, 'ca.pem'), 'utf8')]);
    const flags = ['--tls-min-v1.0', '--tls-cipher-list=DEFAULT@SECLEVEL=0', '--input-type=module'];
    const result = await runCommand([
      process.execPath,
      ...flags,
      '-e',
      ASK_FROM_A_PROCESS,
      String(oldPort),
      ca,
    ]);
    old.close();
    expect(result.stdout, result.stderr).toBe('ERR_API_UNREACHABLE');
  });

  it.each([
    ['auth_type: v3totp, ', 'its auth_type v3totp needs'],
    ['', 'it has neither a token, nor an application credential, nor a user name with a password'],
  ])('needs credentials', async (more, why) => {
    await expect(fetchFor(`{${more}auth: {auth_url: '${URL_V3}', username: me}}`)).rejects.toThrow(why);
  });
});
