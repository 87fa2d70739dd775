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

test.each<[string, (socket: Socket) => void]>([
  ['that says nothing', () => {}],
  [
    'whose request comes byte by byte',
    (socket) => trickle(socket, `${ASKING.slice(0, 40)}${'x'.repeat(1_000)}`),
  ],
  [
    'whose body never comes',
    (socket) => socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n'),
  ],
  ['that asks, and would keep its connection', (socket) => socket.write(ASKING)],
  ['that asks 2,000 times and does not read', (socket) => socket.pause().write(ASKING.repeat(2_000))],
])('a client %s is ended, and others are answered meanwhile', async (_name, act) => {
  const port = await serve(200);
  const hostile = await client(port);
  // A reset is an end, too.
  const ended = new Promise((resolve) => hostile.resume().once('close', resolve));
  act(hostile);
  expect(await answerTo(await client(port))).toMatch(/^HTTP\/1\.1 200 /);
  const from = performance.now();
  hostile.resume();
  await ended;
  expect(performance.now() - from).toBeLessThan(5_000);
});

function trickle(socket: Socket, text: string): void {
  const bytes = [...text];
  const timer = setInterval(() => socket.write(bytes.shift() ?? 'x'), 20);
  socket.once('close', () => clearInterval(timer));
}
