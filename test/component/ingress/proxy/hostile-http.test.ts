import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpProxy, type HttpProxyBounds } from '../../../../src/ingress/proxy/http-proxy.ts';
import { ProxyLogins } from '../../../../src/ingress/proxy/proxy-logins.ts';
import type { Flow } from '../../../../src/net/flow.ts';
import { AdmittedClients } from '../../../../src/net/sockets/admitted-clients.ts';
import { relay } from '../../../../src/net/sockets/relay.ts';
import { watchTimers } from '../../../support/in-process/due-timers.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { until } from '../../../support/process/until.ts';
import { ANSWERS, type AnswerCase, REQUESTS, type RequestCase } from './hostile-messages.ts';

/*
 * client ── HTTP proxy ── a destination that answers whatever the table says
 *
 * Two hostile ones at a time, and beside them one flow that echoes.
 */

const BOUNDS: HttpProxyBounds = {
  requestHeadMs: 300,
  keepAliveMs: 200,
  headBytes: 32 * 1024,
  requestsAtOnce: 32,
  answerHeadMs: 300,
  quietMs: 400,
  lingerMs: 50,
  interimAnswers: 32,
};
/** No client waits longer: the largest of the bounds, and time for a busy machine. */
const LONGEST_MS = 5_000;

const ECHO_PORT = 7;
const FIRST_CASE_PORT = 1_000;
const AT_ONCE = 2;

interface Conversation {
  readonly text: string;
  readonly elapsedMs: number;
}

/** All that a client hears until its connection is over. */
async function converse(port: number, write: (socket: Socket) => unknown): Promise<Conversation> {
  const startedMs = performance.now();
  const socket = connect({ port, host: '127.0.0.1' });
  const chunks: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => chunks.push(bytes));
  socket.on('error', () => {});
  const timer = setTimeout(() => socket.destroy(new Error('hangs')), LONGEST_MS);
  socket.once('connect', () => write(socket));
  await new Promise((resolve) => socket.once('close', resolve));
  clearTimeout(timer);
  return { text: Buffer.concat(chunks).toString('latin1'), elapsedMs: performance.now() - startedMs };
}

/** What was answered: a status, with the body as it is framed, or nothing; and whether its end has come. */
function answerIn(
  text: string,
  isBodiless: boolean,
): { status: number; body: string; isWhole: boolean } | undefined {
  if (text === '') return undefined;
  // Nothing of a head may end a line, hide what follows, or command a terminal.
  const head =
    /^HTTP\/1\.1 (\d{3}) [\t\x20-\x7e\x80-\xff]*\r\n((?:[!-9;-~]+: ?[\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n/.exec(
      text,
    );
  if (head === null) throw new Error(`no head: ${JSON.stringify(text.slice(0, 300))}`);
  const [whole, status = '', fields = ''] = head;
  const rest = text.slice(whole.length);
  if (isBodiless || ['204', '304'].includes(status)) {
    return { status: Number(status), body: rest, isWhole: rest === '' };
  }
  const length = /^content-length: ?(\d+)\r$/im.exec(fields)?.[1];
  if (length !== undefined) {
    return { status: Number(status), body: rest, isWhole: rest.length === Number(length) };
  }
  if (!/^transfer-encoding: chunked\r$/im.test(fields))
    return { status: Number(status), body: rest, isWhole: true };
  return { status: Number(status), ...unchunked(rest) };
}

function unchunked(text: string): { body: string; isWhole: boolean } {
  let body = '';
  let rest = text;
  for (;;) {
    const size = /^([0-9a-f]+)\r\n/i.exec(rest);
    if (size === null) return { body, isWhole: false };
    const length = Number.parseInt(size[1]!, 16);
    if (length === 0) return { body, isWhole: rest.endsWith('0\r\n\r\n') };
    body += rest.slice(size[0].length, size[0].length + length);
    rest = rest.slice(size[0].length + length + 2);
  }
}

/** A proxy whose flows come to the destinations of the table. */
async function startProxy(bounds?: HttpProxyBounds) {
  const flows = new Set<Socket>();
  const onFlow = ({ accepted, destination, answer }: Flow): void => {
    flows.add(accepted);
    accepted.once('close', () => flows.delete(accepted));
    answer?.opened();
    const hostile = ANSWERS[destination.port - FIRST_CASE_PORT];
    if (destination.host === 'self.example') {
      const { port } = server.address() as AddressInfo;
      void relay(accepted, connect({ port, host: '127.0.0.1', allowHalfOpen: true }), {
        bytesUp: 0,
        bytesDown: 0,
      });
    } else if (hostile === undefined) accepted.pipe(accepted);
    else answerAs(hostile, accepted);
  };
  const clients = new AdmittedClients({ use: 'flow', most: 1_000, mostIdle: 1_000 });
  const logger = recordingLogger();
  const context = { logger, logins: new ProxyLogins(undefined, logger), onFlow, onRejected: () => {} };
  const server = createHttpProxy(clients, context, bounds);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    flows,
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function portOf(name: string): number {
  return FIRST_CASE_PORT + ANSWERS.findIndex((one) => one.name === name);
}

describe('the HTTP proxy', () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let innocent: Socket;

  beforeAll(async () => {
    process.on('uncaughtException', note).on('unhandledRejection', note);
    proxy = await startProxy(BOUNDS);
    innocent = connect({ port: proxy.port, host: '127.0.0.1' });
    innocent.write(`CONNECT echo.example:${ECHO_PORT} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const [greeting] = (await once(innocent, 'data')) as [Buffer];
    expect(greeting.toString()).toMatch(/^HTTP\/1\.1 200 /);
  });
  afterAll(() => {
    innocent.destroy();
    proxy[Symbol.dispose]();
    process.off('uncaughtException', note).off('unhandledRejection', note);
  });

  async function expectInnocent(after: string): Promise<void> {
    innocent.write(after);
    let echoed = '';
    while (echoed.length < Buffer.byteLength(after)) {
      echoed += ((await once(innocent, 'data')) as [Buffer])[0].toString('latin1');
    }
    expect(echoed).toBe(Buffer.from(after).toString('latin1'));
    expect(uncaught, after).toEqual([]);
  }

  /** Two at a time, and after each pair the innocent flow is tried. */
  async function inPairs<T extends { readonly name: string }>(
    cases: readonly T[],
    run: (one: T) => Promise<string | undefined>,
  ): Promise<void> {
    const wrong: string[] = [];
    for (let index = 0; index < cases.length; index += AT_ONCE) {
      const pair = cases.slice(index, index + AT_ONCE);
      const complaints = await Promise.all(pair.map((one) => run(one)));
      for (const [at, complaint] of complaints.entries()) {
        if (complaint !== undefined) wrong.push(`${pair[at]!.name}: ${complaint}`);
      }
      await expectInnocent(pair.map(({ name }) => name).join(' and '));
    }
    expect(wrong).toEqual([]);
  }

  test(`${ANSWERS.length} odd and hostile answers: each is passed on, refused or cut off in time, and harms nobody else`, async () => {
    expect(ANSWERS.length + REQUESTS.length).toBeGreaterThanOrEqual(200);
    await inPairs(ANSWERS, async (one) => {
      const at = FIRST_CASE_PORT + ANSWERS.indexOf(one);
      const { text, elapsedMs } = await converse(proxy.port, (socket) => {
        const field = one.method === 'POST' ? 'Content-Length: 4\r\n' : '';
        const request = `${one.method ?? 'GET'} http://hostile.example:${at}/ HTTP/1.1\r\nHost: x\r\n${field}Connection: close\r\n\r\n`;
        socket.write(one.method === 'POST' ? `${request}body` : request);
      });
      if (elapsedMs >= LONGEST_MS !== (one.isEndless ?? false)) return one.isEndless ? 'ends' : 'hangs';
      return complaintAbout(one, answerIn(text, one.method === 'HEAD'));
    });
    await until(() => proxy.flows.size === 1, {
      deadlineMs: 5_000,
      what: 'the ends of all but the innocent',
    });
  }, 120_000);

  test('a request whose body nobody wants is answered, and so is the next one on its connection', async () => {
    const [refusing, passing] = [portOf('status 000'), portOf('status 200')];
    const body = 'x'.repeat(1_048_576);
    const { text } = await converse(proxy.port, (socket) => {
      socket.write(
        `POST http://hostile.example:${refusing}/ HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`,
      );
      socket.once('data', () =>
        socket.write(
          `${body}GET http://hostile.example:${passing}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
        ),
      );
    });
    expect(text.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 502', 'HTTP/1.1 200']);
  });

  test('a request that takes long is taken, also after its answer, and one that only begins is not', async () => {
    const [refusing, passing] = [portOf('status 000'), portOf('status 200')];
    const get = `GET http://hostile.example:${passing}/ HTTP/1.1\r\nHost: x\r\n\r\n`;
    const chunks = 20;
    const { text, elapsedMs } = await converse(proxy.port, async (socket) => {
      socket.write(
        `POST http://hostile.example:${refusing}/ HTTP/1.1\r\nHost: x\r\nContent-Length: ${chunks}\r\n\r\n`,
      );
      // Longer than a connection may wait for a request.
      for (let index = 0; index < chunks; index += 1) {
        await sleep(50);
        socket.write('x');
      }
      socket.write(`${get}GET http://hostile.example/`);
      for (; !socket.destroyed; await sleep(50)) socket.write('x');
    });
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 502', 'HTTP/1.1 200', 'HTTP/1.1 408']);
    expect(elapsedMs).toBeLessThan(LONGEST_MS);
  });

  test('a process with it and without clients is not woken by it', async () => {
    using timers = watchTimers();
    using idle = await startProxy();
    const { text } = await converse(idle.port, (socket) =>
      socket.write(
        `GET http://hostile.example:${portOf('status 200')}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      ),
    );
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    await until(() => timers.due().length === 0, {
      deadlineMs: 5_000,
      what: () => `no timers, not of ${timers.due()} ms`,
    });
  });

  test('an answer that waits for the one before it is whole, long after its destination is done', async () => {
    const [late, passing] = [
      portOf('an answer after 200 ms'),
      portOf('an answer whose destination never ends'),
    ];
    const get = (port: number, fields = '') =>
      `GET http://hostile.example:${port}/ HTTP/1.1\r\nHost: x\r\n${fields}\r\n`;
    const { text } = await converse(proxy.port, (socket) =>
      socket.write(get(late) + get(passing) + get(passing, 'Connection: close\r\n')),
    );
    const answered = text.match(/HTTP\/1\.1 \d+|hello/g);
    expect(answered).toEqual(Array.from({ length: 3 }, () => ['HTTP/1.1 200', 'hello']).flat());
  });

  test('requests whose client has gone are given up, those too that wait for the answers before them', async () => {
    using patient = await startProxy();
    const socket = connect({ port: patient.port, host: '127.0.0.1' });
    socket.write(`GET http://hostile.example:${portOf('nothing')}/ HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(8));
    await until(() => patient.flows.size === 8, { deadlineMs: 5_000, what: '8 flows' });
    socket.destroy();
    await until(() => patient.flows.size === 0, {
      deadlineMs: 5_000,
      what: () => `their ends, not ${patient.flows.size}`,
    });
  });

  test(`${REQUESTS.length} odd and hostile requests`, async () => {
    await inPairs(REQUESTS, async (one: RequestCase) => {
      const { text, elapsedMs } = await converse(proxy.port, (socket) => {
        if (typeof one.raw === 'string') socket.write(Buffer.from(one.raw, 'latin1'));
        else one.raw(socket);
      });
      if (elapsedMs >= LONGEST_MS) return 'hangs';
      return one.expected.test(text) ? undefined : `got ${JSON.stringify(text.slice(0, 200))}`;
    });
  }, 120_000);
});

function complaintAbout(
  { expected, body }: AnswerCase,
  answer: ReturnType<typeof answerIn>,
): string | undefined {
  const got =
    answer === undefined
      ? 'nothing'
      : `${answer.status} ${answer.isWhole ? 'whole' : 'cut'} ${JSON.stringify(answer.body.slice(0, 100))}`;
  const isCut = answer === undefined || !answer.isWhole;
  const isRight = String(expected)
    .split(' or ')
    .some((one) => {
      if (one === 'cut' || isCut) return one === 'cut' && isCut;
      return answer.status === Number(one) && (one === '502' || body === undefined || answer.body === body);
    });
  return isRight ? undefined : `expected ${expected}, got ${got}`;
}

/** Answers when the request's head is there. */
function answerAs({ raw, afterwards = 'end' }: AnswerCase, accepted: Socket): void {
  let head = '';
  let isAnswered = false;
  accepted.on('error', () => {});
  accepted.on('data', (bytes: Buffer) => {
    head += bytes.toString('latin1');
    if (isAnswered || !head.includes('\r\n\r\n')) return;
    isAnswered = true;
    if (typeof raw !== 'string') {
      raw(accepted);
      return;
    }
    accepted.write(Buffer.from(raw, 'latin1'), () => {
      if (afterwards === 'reset') accepted.resetAndDestroy();
      else if (afterwards === 'end') accepted.end();
    });
  });
  if (afterwards !== 'hold') accepted.on('end', () => accepted.end());
  accepted.resume();
}
