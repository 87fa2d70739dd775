import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TopDocument, topDocument } from '../../../../../src/cli/commands/top/document/top-document.ts';
import { LiveLooks } from '../../../../../src/cli/commands/top/web/live-looks.ts';
import { type PageServer, servePage } from '../../../../../src/cli/commands/top/web/serve-page.ts';
import { NOW_MS } from '../../../../support/in-process/tunnel-reports.ts';
import { until } from '../../../../support/process/until.ts';

const TOKEN = 't'.repeat(43);

describe('the server of the page', () => {
  let server: PageServer;
  let looks: LiveLooks;
  let looked: number;
  let look: () => Promise<TopDocument>;
  let sockets: Socket[];

  beforeEach(async () => {
    looked = 0;
    sockets = [];
    look = async () => topDocument({ health: 'down', silent: [], down: [] }, [], NOW_MS + looked);
    looks = new LiveLooks(() => {
      looked += 1;
      return look();
    }, 20);
    server = await servePage(0, TOKEN, looks);
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  const ask = async (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') => {
    const request = httpRequest({
      host: '127.0.0.1',
      port: server.port,
      path,
      method,
      headers,
      agent: false,
    });
    const answered = once(request, 'response') as Promise<[import('node:http').IncomingMessage]>;
    request.end();
    const [response] = await answered;
    return response;
  };
  const get = async (...words: Parameters<typeof ask>) => {
    const response = await ask(...words);
    let text = '';
    for await (const piece of response.setEncoding('utf8')) text += piece;
    return { status: response.statusCode, headers: response.headers, text };
  };
  const follow = async () => {
    const response = await ask('/looks', { authorization: `Bearer ${TOKEN}` });
    expect(response.statusCode).toBe(200);
    response.on('error', () => {}); // the server ends it
    let text = '';
    response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    return {
      end: () => response.destroy(),
      ended: new Promise<void>((resolve) => response.once('close', () => resolve())),
      lines: () =>
        text
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as TopDocument & { readonly error?: string }),
    };
  };
  /** Sends this as it is. @returns all that comes back until the end */
  const send = async (text: string): Promise<string> => {
    const socket = connect(server.port, '127.0.0.1');
    sockets.push(socket);
    let answer = '';
    socket.on('error', () => {}); // a reset is an end
    socket.setEncoding('latin1').on('data', (piece: string) => (answer += piece));
    socket.write(text);
    await once(socket, 'close');
    return answer;
  };

  test('has the page for everybody, which tells nothing of tunnels, and nothing else without the token', async () => {
    const page = await get('/');
    expect(page.status).toBe(200);
    expect(page.headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': expect.stringMatching(/^default-src 'none'; script-src 'sha256-/),
      'content-type': 'text/html; charset=utf-8',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(page.headers['set-cookie']).toBeUndefined();
    expect(page.headers['access-control-allow-origin']).toBeUndefined();
    expect(await get('/looks')).toMatchObject({
      status: 403,
      text: expect.stringContaining('only with the token'),
    });
    expect(await get('/looks', { authorization: `Bearer ${TOKEN}`, host: 'evil.example' })).toMatchObject({
      status: 421,
    });
    expect(await get('/looks', { authorization: `Bearer ${TOKEN}` }, 'DELETE')).toMatchObject({
      status: 405,
    });
    expect(looked).toBe(0);
  });

  test('takes no look while nobody follows, one for all who do, and none when they have gone', async () => {
    const [one, other] = [await follow(), await follow()];
    await until(() => one.lines().length > 1 && other.lines().length > 0, {
      deadlineMs: 5_000,
      what: 'looks',
    });
    expect(one.lines()[0]).toMatchObject({ atMs: NOW_MS + 1, tunnels: [] });
    expect(one.lines().map(({ atMs }) => atMs)).toEqual(one.lines().map((_, index) => NOW_MS + 1 + index));
    one.end();
    other.end();
    await until(() => looks.size === 0, { deadlineMs: 5_000, what: 'their end' });
    const before = looked;
    expect((await get('/')).status).toBe(200);
    const third = await follow();
    await until(() => third.lines().length > 0, { deadlineMs: 5_000, what: 'a look' });
    expect(third.lines()[0]?.atMs).toBe(NOW_MS + before + 1);
  });

  test('tells what keeps it from looking, and goes on', async () => {
    look = () => Promise.reject(new Error('no such folder'));
    const one = await follow();
    await until(() => one.lines().length > 0, { deadlineMs: 5_000, what: 'a line' });
    expect(one.lines()[0]).toEqual({ error: 'no such folder' });
    look = async () => topDocument({ health: 'up', silent: [], down: [] }, [], NOW_MS);
    await until(() => one.lines().at(-1)?.health === 'up', { deadlineMs: 5_000, what: 'a look' });
  });

  test('tells of so many flows, and what all of them come to', async () => {
    const flow = {
      destination: '10.0.0.8:1',
      address: null,
      originator: '127.0.0.1:1',
      ageMs: 1,
      stage: 'open',
    } as const;
    const moved = { bytesUp: 0, bytesDown: 0, upBytesPerSec: 0, downBytesPerSec: 0, tunnel: 'office' };
    const flows = Array.from({ length: 5_000 }, () => ({ ...flow, ...moved }));
    look = async () => ({ ...topDocument({ health: 'up', silent: [], down: [] }, [], NOW_MS), flows });
    const one = await follow();
    await until(() => one.lines().length > 0, { deadlineMs: 5_000, what: 'a look' });
    expect(one.lines()[0]?.flows).toHaveLength(1_000);
  });

  test('lets so many follow, and no more', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => follow()));
    expect(await get('/looks', { authorization: `Bearer ${TOKEN}` })).toMatchObject({ status: 503 });
    all[0]!.end();
    await until(() => looks.size === 7, { deadlineMs: 5_000, what: 'its end' });
    await follow();
  });

  test('closes at once, also what follows', async () => {
    const one = await follow();
    server.close();
    await one.ended;
    await until(() => looks.size === 0, { deadlineMs: 5_000, what: 'its end' });
    await expect(ask('/')).rejects.toThrow('ECONNREFUSED');
  });

  test.each([
    [
      'two Hosts',
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: evil.example\r\n\r\n`,
      /^(HTTP\/1\.1 4\d\d |$)/,
    ],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['no Host, as clients of before may', 'GET / HTTP/1.0\r\n\r\n', /^HTTP\/1\.1 421 /],
    ['a tunnel', 'CONNECT 10.0.0.8:22 HTTP/1.1\r\nHost: 10.0.0.8:22\r\n\r\n', /^$/],
    [
      'a socket',
      'GET /looks HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      /^HTTP\/1\.1 403 /,
    ],
    ['no HTTP', '\x16\x03\x01\x02\x00\x01\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'too much of a head',
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      /^HTTP\/1\.1 431 /,
    ],
    [
      'one request after the other: the first alone is answered',
      'GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n'.repeat(100),
      /^(?:HTTP\/1\.1 421 (?:(?!HTTP\/1)[\s\S])*)?$/,
    ],
  ])('%s', async (_, text, answer) => {
    expect(await send(text.replaceAll('PORT', String(server.port)))).toMatch(answer);
    expect((await get('/')).status).toBe(200);
  });

  test('connections that say nothing make room for others', async () => {
    const silent = Array.from({ length: 60 }, () => connect(server.port, '127.0.0.1').on('error', () => {}));
    sockets.push(...silent);
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    expect((await get('/')).status).toBe(200);
    await until(
      () => silent.filter(({ destroyed, readableEnded }) => destroyed || readableEnded).length >= 28,
      {
        deadlineMs: 5_000,
        what: 'the end of those that were too many',
      },
    );
  });

  test('who takes too long to ask, or does not read, is ended', async () => {
    const text = 'x'.repeat(1_000_000);
    const flood = new LiveLooks(
      async () => ({ ...topDocument({ health: 'up', silent: [], down: [text] }, [], NOW_MS) }),
      5,
    );
    const impatient = await servePage(0, TOKEN, flood, 300);
    try {
      const [slow, deaf] = [0, 1].map(() => connect(impatient.port, '127.0.0.1').on('error', () => {}));
      sockets.push(slow!, deaf!);
      slow!.resume().write('GET / HTTP/1.1\r\nHo');
      deaf!.write(
        `GET /looks HTTP/1.1\r\nHost: 127.0.0.1:${impatient.port}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
      );
      await once(slow!, 'close');
      await until(() => flood.size === 0, {
        deadlineMs: 5_000,
        what: 'the end of the reader that does not read',
      });
      deaf!.resume();
      await once(deaf!, 'close');
      expect(deaf!.bytesRead).toBeGreaterThan(text.length);
    } finally {
      impatient.close();
    }
  });

  test('a port that is taken is told, with what to do', async () => {
    await expect(servePage(server.port, TOKEN, looks)).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      remedy: expect.stringContaining('--port'),
    });
  });
});
