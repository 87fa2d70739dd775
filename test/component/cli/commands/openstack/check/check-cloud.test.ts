import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  throughBastion,
  withoutBastion,
} from '../../../../../../src/cli/commands/openstack/check/bastion-way.ts';
import {
  type CatalogOffer,
  type CheckedEndpoint,
  type CloudFinding,
  checkCloud,
} from '../../../../../../src/cli/commands/openstack/check/check-cloud.ts';
import { findingOf } from '../../../../../../src/cli/commands/openstack/check/render.ts';
import { TshuttleError } from '../../../../../../src/core/errors.ts';
import type { HostPort } from '../../../../../../src/net/address/endpoint.ts';
import type { Way } from '../../../../../../src/openstack/https/probe.ts';
import type { ServicePlace } from '../../../../../../src/openstack/keystone/catalog.ts';
import type { Refusal } from '../../../../../../src/ssh/transport.ts';

const CA_REMEDY = 'name the file of its certificate authority: cacert in clouds.yaml, or OS_CACERT';

describe('checking the endpoints of a cloud', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tshuttle-check-'));
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  let api: number;
  /** Accepts, and says nothing. */
  let mute: number;
  /** Nothing listens there. */
  let closed: number;
  let status = 300;

  const listen = async (server: Server): Promise<number> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    server.on('connection', (socket: Socket) => sockets.add(socket));
    return (server.address() as AddressInfo).port;
  };

  beforeAll(async () => {
    const openssl = (words: string): unknown =>
      execFileSync('openssl', words.split(' '), { cwd: folder, stdio: 'pipe' });
    const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2';
    openssl(`req -x509 ${key} -subj /CN=other -keyout other.key -out other.pem`);
    openssl(
      `req -x509 ${key} -subj /CN=api -addext subjectAltName=DNS:localhost -keyout server.key -out server.pem`,
    );
    const [cert, secretKey] = ['server.pem', 'server.key'].map((name) => readFileSync(join(folder, name)));
    api = await listen(
      createServer({ cert, key: secretKey }, (request, response) => {
        asked.push(`${request.method} ${request.url} ${Object.keys(request.headers).sort().join()}`);
        response.writeHead(status).end('{}');
      }),
    );
    mute = await listen(createTcpServer());
    const gone = createTcpServer();
    closed = await listen(gone);
    await new Promise((resolve) => gone.close(resolve));
  });
  afterEach(() => {
    asked.length = 0;
    status = 300;
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const REACHES = ({ port }: HostPort): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket));
      socket.on('error', reject);
    });

  const refuses = (reason: Refusal['reason'], description: string) => async (): Promise<Socket> => {
    const cause: Refusal = { kind: 'refused', reason, description };
    throw new TshuttleError('ERR_CHANNEL_REFUSED', description, { cause });
  };

  const NEVER = (_place: HostPort, signal: AbortSignal): Promise<Socket> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });

  const placeOf = (host: string, port: number, type: string): ServicePlace => ({
    host,
    port,
    services: [{ type, url: new URL(`https://${host}:${port}/v1`) }],
  });

  interface Options {
    readonly host?: string;
    readonly port?: number;
    readonly ca?: string;
    readonly timeoutMs?: number;
    readonly catalog?: CatalogOffer;
  }

  const run = async (bastion: Way, options: Options = {}): Promise<CloudFinding[]> => {
    const { host = 'localhost', port = api, ca = 'server.pem', timeoutMs = 10_000 } = options;
    const cloud = {
      name: 'a',
      authUrl: { host, port, url: new URL(`https://${host}:${port}/v3`), from: 'clouds.yaml:1:1' },
      region: undefined,
      interfaces: ['public'],
      services: new Map(),
      cacert: undefined,
      isInsecure: false,
    } as const;
    const trust = { certificates: [readFileSync(join(folder, ca), 'utf8')], from: ca };
    const signal = AbortSignal.timeout(15_000);
    const catalog = options.catalog ?? { kind: 'places', places: [] };
    const timeouts = { directTimeoutMs: timeoutMs, bastionTimeoutMs: timeoutMs };
    const asked = { cloud, catalog, trust, bastion, signal, ...timeouts };
    const found: CloudFinding[] = [];
    for await (const one of checkCloud(asked)) found.push(one);
    return found;
  };

  const first = async (bastion: Way, options?: Options): Promise<CheckedEndpoint> => {
    const [one] = await run(bastion, options);
    if (one?.kind !== 'endpoint') throw new Error(JSON.stringify(one));
    return one.endpoint;
  };

  it('works: over verified TLS, without any secret', async () => {
    const reaches = throughBastion({ open: REACHES });
    expect(await first(reaches)).toMatchObject({
      services: ['identity'],
      direct: { kind: 'answers', status: 300 },
      throughBastion: { kind: 'answers', status: 300 },
      verdict: 'works',
      remedy: null,
    });
    const request = 'GET /v3 accept,connection,host,user-agent';
    expect(asked).toEqual([request, request]);
  });

  it.each([
    ['prohibited', 'open failed', 'forwarding-prohibited'],
    ['connect-failed', 'Name or service not known', 'unknown-name'],
    ['connect-failed', 'Connection timed out', 'not-on-allow-list'],
    // This machine is not refused.
    ['connect-failed', 'Connection refused', 'not-on-allow-list'],
    ['connect-failed', 'No route to host', 'not-on-allow-list'],
    ['connect-failed', '', 'not-on-allow-list'],
    ['resource-shortage', 'no more', 'tunnel-broken'],
  ] as const)('a bastion that says %s, %s: %s', async (reason, description, verdict) => {
    expect(await first(throughBastion({ open: refuses(reason, description) }))).toMatchObject({ verdict });
  });

  it('nobody listens', async () => {
    const refused = throughBastion({ open: refuses('connect-failed', 'Connection refused') });
    expect(await first(refused, { port: closed })).toMatchObject({
      direct: { kind: 'refused' },
      throughBastion: { kind: 'refused' },
      verdict: 'nothing-listens',
    });
  });

  it('dropped, and mute', async () => {
    expect(await first(throughBastion({ open: NEVER }), { timeoutMs: 2_000 })).toMatchObject({
      direct: { kind: 'answers' },
      throughBastion: { kind: 'silent' },
      verdict: 'not-on-allow-list',
    });
    const reaches = throughBastion({ open: REACHES });
    expect(await first(reaches, { port: mute, timeoutMs: 500 })).toMatchObject({
      direct: { kind: 'broken' },
      verdict: 'broken',
      sentence: 'it accepts connections, and gives no answer within 0.5 s',
    });
  });

  it('a certificate of other names, and one that nobody has signed', async () => {
    const reaches = throughBastion({ open: REACHES });
    expect(await first(reaches, { host: '127.0.0.1' })).toMatchObject({
      verdict: 'tls-name-mismatch',
      sentence: 'TLS name mismatch: its certificate is for localhost, not for 127.0.0.1',
    });
    expect(await first(reaches, { ca: 'other.pem' })).toMatchObject({
      verdict: 'tls-untrusted',
      sentence: 'its certificate is not trusted, no certificate authority of other.pem has signed it',
      remedy: CA_REMEDY,
    });
    expect(asked).toEqual([]);
  });

  it('no bastion: says why for each, and asks for no catalog', async () => {
    const failure = new TshuttleError('ERR_BASTION_AUTH', 'the bastion refuses the key');
    const fetch = () => Promise.reject(new Error('asked'));
    const found = await run(withoutBastion(failure), { catalog: { kind: 'ask', fetch } });
    expect(found.map(findingOf)).toEqual([
      {
        check: 'identity',
        status: 'problem',
        what: `localhost:${api}: the tunnel is broken: the bastion refuses the key (directly: answers 300, through the bastion: not tried)`,
        remedy: 'tshuttle doctor -r BASTION tells what keeps the tunnel from working',
      },
      {
        check: 'catalog',
        status: 'problem',
        what: 'the catalog is not asked for, since its identity service does not work',
        remedy: 'until then only auth_url is checked',
      },
    ]);
  });

  it('every place of the catalog once, in its order', async () => {
    const reaches = throughBastion({ open: REACHES });
    const many = Array.from({ length: 10 }, (_item, index) =>
      placeOf('127.0.0.1', closed, `closed-${index}`),
    );
    const places = [placeOf('localhost', api, 'identity'), ...many, placeOf('127.0.0.1', api, 'image')];
    const catalog: CatalogOffer = { kind: 'ask', fetch: async () => places };
    const found = (await run(reaches, { catalog })).map(findingOf);
    expect(found.map(({ check, status: of }) => `${check} ${of}`)).toEqual([
      'identity ok',
      ...many.map((_place, index) => `closed-${index} problem`),
      'image problem',
    ]);
  });

  it('a catalog that is refused', async () => {
    const refusal = new TshuttleError('ERR_API_REFUSED', 'Keystone refuses the password', {
      remedy: 'check it',
    });
    const fetch = () => Promise.reject(refusal);
    const found = await run(throughBastion({ open: REACHES }), { catalog: { kind: 'ask', fetch } });
    expect(found.map(findingOf)).toMatchObject([
      { status: 'ok' },
      { check: 'catalog', status: 'problem', what: 'Keystone refuses the password', remedy: 'check it' },
    ]);
  });
});
