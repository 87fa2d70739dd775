import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type MetricsServer, serveMetrics } from '../../../../src/app/metrics/serve-metrics.ts';
import { watchTimers } from '../../../support/in-process/due-timers.ts';
import { UP } from '../../../support/in-process/tunnel-reports.ts';
import { until } from '../../../support/process/until.ts';
import { freePort } from '../../tunnel/forwarding-tunnel.ts';

const ASKING = 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

let server: MetricsServer | undefined;
const clients: Socket[] = [];
afterEach(() => {
  server?.close();
  for (const client of clients.splice(0)) client.destroy();
});

async function serve(patienceMs?: number): Promise<number> {
  const port = await freePort();
  const owner = { name: 'office', version: '1.2.3' };
  server = await serveMetrics({ address: '127.0.0.1', port }, owner, () => UP, patienceMs);
  return port;
}

async function client(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port }).on('error', () => {});
  clients.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** All that comes until it is complete, as an answer with a length is. */
async function answerTo(socket: Socket): Promise<string> {
  let text = '';
  socket.write(ASKING);
  for (;;) {
    text += ((await once(socket, 'data')) as [Buffer])[0].toString();
    if (text.endsWith('\n') && text.includes('tshuttle_build_info')) return text;
  }
}

test('a process with it and without clients is not woken by it', async () => {
  using timers = watchTimers();
  const port = await serve();
  const scraper = await client(port);
  expect(await answerTo(scraper)).toMatch(/^HTTP\/1\.1 200 /);
  expect(timers.due()).not.toEqual([]);
  scraper.destroy();
  await until(() => timers.due().length === 0, {
    deadlineMs: 5_000,
    what: () => `no timers, not of ${timers.due()} ms`,
  });
});

/** Clients that take longer than they may, or would. */
const HOSTILE: Readonly<Record<string, (socket: Socket) => void>> = {
  'says nothing': () => {},
  'has a request that comes byte by byte': (socket) => trickle(socket, ASKING.slice(0, 40)),
  'has a body that never comes': (socket) =>
    socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n'),
  'asks, and would keep its connection': (socket) => socket.write(ASKING),
  'asks 2,000 times and does not read': (socket) => socket.pause().write(ASKING.repeat(2_000)),
};

test('clients that take too long are ended, and others are answered meanwhile', async () => {
  const port = await serve(2_000);
  const alive = new Set<string>();
  for (const [name, act] of Object.entries(HOSTILE)) {
    const socket = (await client(port)).resume();
    alive.add(name);
    socket.once('close', () => alive.delete(name));
    act(socket);
  }
  expect(await answerTo(await client(port))).toMatch(/^HTTP\/1\.1 200 /);
  for (const socket of clients) socket.resume();
  await until(() => alive.size === 0, {
    deadlineMs: 10_000,
    what: () => `the ends of who ${[...alive].join(', ')}`,
  });
});

function trickle(socket: Socket, text: string): void {
  const bytes = [...text];
  const timer = setInterval(() => socket.write(bytes.shift() ?? 'x'), 20);
  socket.once('close', () => clearInterval(timer));
}
