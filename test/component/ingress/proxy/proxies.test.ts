import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openProxies } from '../../../../src/ingress/proxy/proxies.ts';
import type { ProxyCredentials } from '../../../../src/ingress/proxy/proxy-credentials.ts';
import { descriptorBudget } from '../../../../src/net/sockets/descriptor-budget.ts';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import type { Ssh2Transport } from '../../../../src/ssh/ssh2/connected-transport.ts';
import { openSsh2Transport } from '../../../../src/ssh/ssh2/transport.ts';
import { FlowTable } from '../../../../src/tunnel/flows/flow-table.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { readToEnd } from '../../../support/in-process/socket-pair.ts';
import { openDestination } from '../../../support/in-process/ssh2-pair.ts';
import { Child } from '../../../support/process/child.ts';
import { until } from '../../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

const { signal } = new AbortController();
const LOGIN = { user: 'ann', password: 'pass:word' };
/** Nothing listens on discard. */
const CLOSED_PORT = 9;

let sshd: LoopbackSshd;
let transport: Ssh2Transport;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  await sshd.authorize(await sshd.makeKey('user_key'));
  const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
  const logger = recordingLogger();
  const target = await resolveTarget(sshd.request([join(sshd.directory, 'user_key')]), { logger, signal });
  const beforeDial = async () => {};
  transport = await openSsh2Transport(target, {
    ...{ logger, signal, prompter: NO_TERMINAL, mayOpenSession: false, beforeDial },
  });
});

afterAll(async () => {
  await transport.close();
  await sshd[Symbol.asyncDispose]();
});

/** Proxies of both kinds over a real sshd. */
async function startProxies(credentials?: ProxyCredentials) {
  const logger = recordingLogger();
  const flows = new FlowTable(transport, logger);
  const listens = (['socks', 'http'] as const).map((protocol) => ({
    protocol,
    address: '127.0.0.1',
    port: 0,
  }));
  const proxies = await openProxies(listens, {
    logger,
    credentials,
    onFlow: (flow) => flows.accept(flow),
    onRejected: () => flows.rejected(),
  });
  await proxies.start();
  const [socks, http] = proxies.listens.map(({ port }) => port) as [number, number];
  return { socks, http, logger, flows, [Symbol.asyncDispose]: async () => proxies.close() };
}

/** An application's connection, and what it has received and not taken yet. */
class Application {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  #end: 'end' | 'error' | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('data', (bytes: Buffer) => void this.#chunks.push(bytes));
    this.socket.on('end', () => (this.#end ??= 'end')).on('error', () => (this.#end ??= 'error'));
  }

  async take(length: number): Promise<number[]> {
    await until(() => this.#received().length >= length, {
      deadlineMs: 10_000,
      what: () => `${length} bytes, got ${this.#received().toString('hex')} and ${this.#end}`,
    });
    const received = this.#received();
    this.#chunks.splice(0, this.#chunks.length, received.subarray(length));
    return [...received.subarray(0, length)];
  }

  async rest(): Promise<Buffer> {
    await until(() => this.#end !== undefined, { deadlineMs: 20_000, what: 'the end' });
    expect(this.#end).toBe('end');
    return this.#received();
  }

  #received(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

function request5(host: string, port: number): Buffer {
  const head = Buffer.from([5, 1, 0, 3, host.length]);
  return Buffer.concat([head, Buffer.from(host), Buffer.from([port >> 8, port & 255])]);
}

const echo = () => openDestination((socket) => void readToEnd(socket).then((bytes) => socket.end(bytes)));
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('SOCKS', () => {
  test('handshake, data and end in one go: all arrives, and the answer to it', async () => {
    await using destination = await echo();
    await using proxies = await startProxies();
    const application = new Application(proxies.socks);
    application.socket.end(
      Buffer.concat([
        Buffer.from([5, 1, 0]),
        request5('localhost', destination.port),
        Buffer.from('early data'),
      ]),
    );
    expect((await application.take(2 + 10)).slice(0, 4)).toEqual([5, 0, 5, 0]);
    expect((await application.rest()).toString()).toBe('early data');
    await until(() => proxies.flows.totals().now === 0, { deadlineMs: 5_000, what: 'the flow is over' });
    expect(proxies.logger.lines).toContainEqual(
      expect.stringMatching(
        new RegExp(`^info localhost:${destination.port} closed after .*"bytesUp":10,"bytesDown":10`),
      ),
    );
  });

  test('a client that ends while its connection is being opened: the end arrives too', async () => {
    await using destination = await echo();
    await using proxies = await startProxies();
    const application = new Application(proxies.socks);
    application.socket.write(Buffer.from([5, 1, 0]));
    await application.take(2);
    application.socket.end(request5('127.0.0.1', destination.port));
    expect((await application.take(10))[1]).toBe(0);
    expect((await application.rest()).length).toBe(0);
  });

  test('16 MiB each way are exact', async () => {
    await using destination = await openDestination((socket) => socket.pipe(socket));
    await using proxies = await startProxies();
    const application = new Application(proxies.socks);
    const sent = randomBytes(16 * 1024 * 1024);
    application.socket.write(
      Buffer.concat([Buffer.from([5, 1, 0]), request5('127.0.0.1', destination.port)]),
    );
    await application.take(12);
    application.socket.end(sent);
    expect(digest(await application.rest())).toBe(digest(sent));
  });

  test('SOCKS4a', async () => {
    await using destination = await echo();
    await using proxies = await startProxies();
    const application = new Application(proxies.socks);
    const { port } = destination;
    application.socket.end(
      Buffer.concat([
        Buffer.from([4, 1, port >> 8, port & 255, 0, 0, 0, 1]),
        Buffer.from('ann\0localhost\0hello'),
      ]),
    );
    expect((await application.take(8)).slice(0, 2)).toEqual([0, 90]);
    expect((await application.rest()).toString()).toBe('hello');
  });

  test.each([
    ['a closed port', '127.0.0.1', CLOSED_PORT, 5],
    ['a name that nobody has', 'nobody.invalid', 80, 4],
  ])('%s has its own reply', async (_what, host, port, reply) => {
    await using proxies = await startProxies();
    const application = new Application(proxies.socks);
    application.socket.write(Buffer.concat([Buffer.from([5, 1, 0]), request5(host, port)]));
    expect((await application.take(12)).slice(2, 4)).toEqual([5, reply]);
    expect((await application.rest()).length).toBe(0);
  });

  test('a password is asked for, and a wrong one told', async () => {
    await using destination = await echo();
    await using proxies = await startProxies(LOGIN);
    const login = (password: string) =>
      Buffer.concat([
        Buffer.from([1, 3]),
        Buffer.from('ann'),
        Buffer.from([password.length]),
        Buffer.from(password),
      ]);
    const [without, wrong, right] = [
      new Application(proxies.socks),
      new Application(proxies.socks),
      new Application(proxies.socks),
    ];
    without.socket.write(Buffer.from([5, 1, 0]));
    expect([...(await without.rest())]).toEqual([5, 255]);
    wrong.socket.write(Buffer.concat([Buffer.from([5, 1, 2]), login('guess')]));
    expect([...(await wrong.rest())]).toEqual([5, 2, 1, 1]);
    right.socket.end(
      Buffer.concat([
        Buffer.from([5, 2, 0, 2]),
        login(LOGIN.password),
        request5('localhost', destination.port),
      ]),
    );
    expect((await right.take(14)).slice(0, 6)).toEqual([5, 2, 1, 0, 5, 0]);
    expect((await right.rest()).length).toBe(0);
    expect(proxies.logger.lines.join('\n')).not.toMatch(/guess|pass:word/);
  });

  test('what is no SOCKS is hung up on', async () => {
    await using proxies = await startProxies();
    const application = new Application(proxies.socks);
    application.socket.write('GET / HTTP/1.1\r\n\r\n');
    expect((await application.rest()).length).toBe(0);
  });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A web server that tells what it got. */
async function openWeb() {
  const server = createServer((message, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(chunk as Buffer);
      const { method, url, rawHeaders } = message;
      response.setHeader('X-Answer', ['1', '2']);
      response.end(JSON.stringify({ method, url, rawHeaders, body: Buffer.concat(chunks).toString() }));
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}

function ask(
  proxyPort: number,
  url: string,
  headers: OutgoingHttpHeaders = {},
  body?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const outgoing = request({
      port: proxyPort,
      host: '127.0.0.1',
      method,
      path: url,
      headers,
      agent: false,
    });
    outgoing.on('error', reject).on('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (more: string) => (text += more));
      answer
        .on('error', reject)
        .on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: text }));
    });
    outgoing.end(body);
  });
}

describe('HTTP', () => {
  test('CONNECT with data behind it: all arrives, and the answer to it', async () => {
    await using destination = await echo();
    await using proxies = await startProxies();
    const application = new Application(proxies.http);
    application.socket.end(`CONNECT localhost:${destination.port} HTTP/1.1\r\nHost: x\r\n\r\nearly data`);
    expect((await application.rest()).toString()).toBe(
      'HTTP/1.1 200 Connection established\r\n\r\nearly data',
    );
  });

  test('16 MiB each way through CONNECT are exact', async () => {
    await using destination = await openDestination((socket) => socket.pipe(socket));
    await using proxies = await startProxies();
    const application = new Application(proxies.http);
    const sent = randomBytes(16 * 1024 * 1024);
    application.socket.write(`CONNECT 127.0.0.1:${destination.port} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await application.take('HTTP/1.1 200 Connection established\r\n\r\n'.length);
    application.socket.end(sent);
    expect(digest(await application.rest())).toBe(digest(sent));
  });

  test('a request in absolute form: fields and body go on, those of the way to the proxy do not', async () => {
    await using web = await openWeb();
    await using proxies = await startProxies(LOGIN);
    const authorization = `Basic ${Buffer.from(`${LOGIN.user}:${LOGIN.password}`).toString('base64')}`;
    const headers = { 'Proxy-Authorization': authorization, 'X-Own': '1', Host: 'somebody.else' };
    const answer = await ask(proxies.http, `http://localhost:${web.port}/a?b`, headers, 'the body');
    expect(answer.status).toBe(200);
    expect(answer.headers['x-answer']).toBe('1, 2');
    const got = JSON.parse(answer.body) as { rawHeaders: string[] };
    expect(got).toMatchObject({ method: 'POST', url: '/a?b', body: 'the body' });
    expect(got.rawHeaders.slice(0, 2)).toEqual(['Host', `localhost:${web.port}`]);
    expect(got.rawHeaders).toContain('X-Own');
    expect(got.rawHeaders.join('\n')).not.toMatch(/proxy-authorization|somebody/i);
  });

  test('several requests on one connection, to several destinations', async () => {
    await using one = await openWeb();
    await using other = await openWeb();
    await using proxies = await startProxies();
    const application = new Application(proxies.http);
    const get = (port: number, field = 'A: b') =>
      `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: x\r\n${field}\r\n\r\n`;
    application.socket.write(get(one.port) + get(other.port) + get(one.port, 'Connection: close'));
    const text = (await application.rest()).toString();
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
    expect(text.match(/"127\.0\.0\.1:(\d+)"/g)).toEqual(
      [one, other, one].map(({ port }) => `"127.0.0.1:${port}"`),
    );
  });

  test('no password, a wrong one, a closed port, no proxy request', async () => {
    await using proxies = await startProxies(LOGIN);
    await using open = await startProxies();
    const without = await ask(proxies.http, 'http://localhost/');
    expect(without).toMatchObject({
      status: 407,
      headers: { 'proxy-authenticate': 'Basic realm="tshuttle"' },
    });
    const wrong = { 'Proxy-Authorization': `Basic ${Buffer.from('ann:guess').toString('base64')}` };
    expect((await ask(proxies.http, 'http://localhost/', wrong)).status).toBe(407);
    const closed = await ask(open.http, `http://127.0.0.1:${CLOSED_PORT}/`);
    expect(closed).toMatchObject({ status: 502, body: expect.stringContaining('Connection refused') });
    expect(await ask(open.http, '/')).toMatchObject({
      status: 400,
      body: expect.stringContaining('this is a proxy'),
    });
    const application = new Application(open.http);
    application.socket.write(`CONNECT 127.0.0.1:${CLOSED_PORT} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect((await application.rest()).toString()).toMatch(/^HTTP\/1\.1 502 .*Connection refused\n$/s);
    expect([...proxies.logger.lines, ...open.logger.lines].join('\n')).not.toMatch(/guess|pass:word/);
  });
});

function spawnAs(userId: number, script: string, ...words: readonly (string | number)[]): Child {
  const user = ['setpriv', `--reuid=${userId}`, `--regid=${userId}`, '--clear-groups', '--'];
  return new Child([...user, process.execPath, '-e', script, ...words.map(String)]);
}

/** Asks so often at once as another user of this machine, and prints each status when it has it. */
function askAs(userId: number, count: number, proxyPort: number, url: string, login: string): Child {
  const script = `
    const [count, port, path, login] = process.argv.slice(1);
    const headers = { 'Proxy-Authorization': 'Basic ' + Buffer.from(login).toString('base64') };
    for (let index = 0; index < Number(count); index += 1) {
      const options = { port, host: '127.0.0.1', path, headers, agent: false };
      require('node:http').get(options, (answer) => console.log(answer.resume().statusCode));
    }`;
  return spawnAs(userId, script, count, proxyPort, url, login);
}

/** Logs in to SOCKS5 so often at once with a wrong password, and prints each answer when it has it. */
function guessAs(userId: number, count: number, proxyPort: number): Child {
  const script = `
    const [count, port] = process.argv.slice(1);
    for (let index = 0; index < Number(count); index += 1) {
      const socket = require('node:net').connect({ port, host: '127.0.0.1' });
      socket.write(Buffer.from('05010201' + '03616e6e' + '026e6f', 'hex'));
      let text = '';
      socket.on('data', (bytes) => (text += bytes.toString('hex'))).on('close', () => console.log(text));
    }`;
  return spawnAs(userId, script, count, proxyPort);
}

test.skipIf(process.geteuid?.() !== 0)(
  'guesses of one user of this machine are slowed down, by both protocols together, and nobody else waits',
  async () => {
    await using web = await openWeb();
    await using proxies = await startProxies(LOGIN);
    const url = `http://localhost:${web.port}/`;
    const guesser = askAs(10_077, 40, proxies.http, url, 'ann:guess');
    let socksGuesser: Child | undefined;
    const said = (status: number): number => guesser.stdout.split(String(status)).length - 1;
    try {
      // 15 more wait for their turns, one a second.
      await until(() => said(407) >= 5 && said(429) >= 20, {
        deadlineMs: 10_000,
        what: () => `5 wrong and 20 too many: ${guesser.stdout}`,
      });
      expect(said(429)).toBe(20);
      // What waits there waits here, too: with guesses of its own, SOCKS would answer no more than 35 in this time.
      socksGuesser = guessAs(10_077, 40, proxies.socks);
      await until(() => socksGuesser!.stdout.split('05020101').length > 36, {
        deadlineMs: 10_000,
        what: () => `36 refusals: ${socksGuesser?.stdout}`,
      });
      const other = askAs(10_078, 3, proxies.http, url, `${LOGIN.user}:${LOGIN.password}`);
      expect((await other.exited).stdout).toBe('200\n200\n200\n');
      const authorization = `Basic ${Buffer.from('ann:guess').toString('base64')}`;
      const own = Array.from({ length: 20 }, () =>
        ask(proxies.http, url, { 'Proxy-Authorization': authorization }),
      );
      expect((await Promise.all(own)).map(({ status }) => status)).toEqual(own.map(() => 407));
      expect(said(407), 'turns that have come meanwhile').toBeLessThan(20);
      const told = proxies.logger.lines.filter((line) => line.startsWith('warn'));
      expect(told).toEqual([
        'warn wrong passwords for the proxy, from user 10077: its further ones are slowed down',
      ]);
    } finally {
      for (const one of [guesser, socksGuesser]) {
        one?.kill('SIGKILL');
        await one?.exited;
      }
    }
  },
);

test('a proxy that everybody can reach is warned of', async () => {
  const logger = recordingLogger();
  const listen = { protocol: 'socks', address: '0.0.0.0', port: 0 } as const;
  const context = { logger, credentials: undefined, onFlow: () => {}, onRejected: () => {} };
  const proxies = await openProxies([listen], context);
  proxies.close();
  expect(logger.lines).toEqual([expect.stringMatching(/^warn --socks 0\.0\.0\.0:0 lets everybody/)]);
});

test.each(['socks', 'http'] as const)(
  '%s: connections are refused until the proxy is started; its port is ours from the beginning',
  async (protocol) => {
    const context = {
      logger: recordingLogger(),
      credentials: undefined,
      onFlow: () => {},
      onRejected: () => {},
    };
    const listen = { protocol, address: '127.0.0.1', port: 0 };
    const proxies = await openProxies([listen], context);
    const [{ port } = listen] = proxies.listens;
    const knock = async (): Promise<string> => {
      const socket = connect({ port, host: '127.0.0.1' });
      const outcome = await once(socket, 'connect').then(
        () => 'accepted',
        (error: NodeJS.ErrnoException) => error.code ?? '',
      );
      socket.destroy();
      return outcome;
    };
    expect(await knock()).toBe('ECONNREFUSED');
    await proxies.start();
    await expect(openProxies([{ ...listen, port }], context)).rejects.toMatchObject({ code: 'ERR_LISTEN' });
    expect(await knock()).toBe('accepted');
    proxies.stop();
    expect(await knock()).toBe('ECONNREFUSED');
    proxies.close();

    // Never started, and closed: the port is free again.
    (await openProxies([{ ...listen, port }], context)).close();
    (await openProxies([{ ...listen, port }], context)).close();
  },
);

test('1,100 idle clients of the HTTP proxy are few when they have been there for a moment; one that asks is answered', async () => {
  await using destination = await echo();
  await using proxies = await startProxies();
  const idle = Array.from({ length: 1_100 }, () => connect({ port: proxies.http, host: '127.0.0.1' }));
  let resets = 0;
  for (const socket of idle) socket.on('error', () => (resets += 1));
  // Where few may be open a reset comes before it is known to be connected.
  await Promise.all(idle.map((socket) => once(socket, 'connect').catch(() => {})));
  const kept = descriptorBudget().share(1 / 8, 1_024);
  await until(() => resets === idle.length - kept, {
    deadlineMs: 10_000,
    what: () => `all but ${kept} are reset; ${resets} are`,
  });
  expect(proxies.logger.lines.filter((line) => line.startsWith('warn'))).toEqual([
    expect.stringMatching(/--http-proxy .* the oldest are reset for new ones/),
  ]);
  const application = new Application(proxies.http);
  application.socket.write(`CONNECT 127.0.0.1:${destination.port} HTTP/1.1\r\nHost: x\r\n\r\n`);
  application.socket.end('through');
  expect((await application.rest()).toString()).toMatch(/^HTTP\/1\.1 200 .*through$/s);
  for (const socket of idle) socket.destroy();
});
