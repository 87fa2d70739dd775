import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type DecodedPacket, decode } from 'dns-packet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { frame, MessageSplitter } from '../../../../src/dns/message/message-splitter.ts';
import { Overload } from '../../../../src/dns/overload.ts';
import { PassThrough } from '../../../../src/dns/pass-through/pass-through.ts';
import { type RecordingLogger, recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { until } from '../../../support/process/until.ts';
import { opt, queryPacket } from '../../../unit/dns/message/sample-messages.ts';
import { answerTo } from '../resolver/fake-resolver.ts';

/** Loopback addresses whose port 53 the test may have when it runs as root; 127.0.0.0/8 is all ours. */
const NAMESERVER = { address: '127.77.0.53', scope: undefined };
const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)('packets that are passed on to the nameserver that was asked', () => {
  let nameserver: UdpSocket;
  let passThrough: PassThrough;
  let logger: RecordingLogger;
  let queries: Array<{ readonly query: DecodedPacket; readonly packet: Buffer; readonly from: RemoteInfo }>;
  let behave: (query: DecodedPacket, from: RemoteInfo) => void;
  const say = (answer: Buffer, to: RemoteInfo): void => nameserver.send(answer, to.port, to.address);

  beforeEach(async () => {
    queries = [];
    logger = recordingLogger();
    behave = (query, from) => say(answerTo(query, '10.0.0.1'), from);
    nameserver = createSocket('udp4');
    nameserver.on('message', (packet, from) => {
      const query = decode(packet);
      queries.push({ query, packet, from });
      behave(query, from);
    });
    nameserver.bind(53, NAMESERVER.address);
    await once(nameserver, 'listening');
    passThrough = await PassThrough.open(new Overload(logger));
  });
  afterEach(() => {
    passThrough.close();
    nameserver.close();
  });

  const pass = (packet: Buffer, client: string): Buffer[] => {
    const replies: Buffer[] = [];
    passThrough.pass(NAMESERVER, packet, client, (reply) => void replies.push(reply));
    return replies;
  };
  const addressIn = (reply: Buffer | undefined): unknown => {
    const [record] = reply === undefined ? [] : (decode(reply).answers ?? []);
    return record?.type === 'A' ? record.data : undefined;
  };

  it('arrive byte for byte but for the id, from a port of ours, and so does the answer', async () => {
    const packet = queryPacket('Www.Example', { id: 99, additionals: [opt(1400, { flags: 0x8000 })] });
    const replies = pass(packet, 'a');
    await until(() => replies.length === 1, { deadlineMs: 2_000, what: 'the answer' });
    const [arrived] = queries;
    expect(arrived?.packet.subarray(2)).toEqual(packet.subarray(2));
    expect(passThrough.ports).toContain(arrived?.from.port);
    expect(decode(replies[0]!)).toMatchObject({ id: 99, questions: [{ name: 'Www.Example' }] });
  });

  it('of several clients with one question are one query, and each has its answer under its own id', async () => {
    behave = () => {};
    const replies = [1, 2, 3].map((id) => pass(queryPacket('a', { id }), `client ${id}`));
    await until(() => queries.length === 1, { deadlineMs: 2_000, what: 'the query' });
    const [arrived] = queries;
    say(answerTo(arrived!.query, '10.0.0.1'), arrived!.from);
    await until(() => replies.every(({ length }) => length === 1), {
      deadlineMs: 2_000,
      what: 'the answers',
    });
    expect(replies.map(([reply]) => reply?.readUInt16BE(0))).toEqual([1, 2, 3]);
    expect(queries).toHaveLength(1);
  });

  it('are not answered by another question, another id, another source, or what is no DNS', async () => {
    const stranger = createSocket('udp4');
    stranger.bind(0, '127.77.0.54');
    await once(stranger, 'listening');
    behave = (query, from) => {
      const name = query.questions?.[0]?.name ?? '';
      stranger.send(answerTo(query, '6.6.6.1'), from.port, '127.0.0.1');
      say(answerTo({ ...query, id: ((query.id ?? 0) + 1) % 65_536 }, '6.6.6.2'), from);
      say(answerTo({ ...query, questions: [{ type: 'A', name: 'other' }] }, '6.6.6.3'), from);
      say(answerTo({ ...query, questions: [{ type: 'AAAA', name }] }, '6.6.6.4'), from);
      say(answerTo({ ...query, questions: [] }, '6.6.6.5'), from);
      say(Buffer.from('no DNS, but long enough'), from);
      say(answerTo(query, '10.0.0.1'), from);
    };
    const replies = pass(queryPacket('name'), 'a');
    await until(() => replies.length > 0, { deadlineMs: 2_000, what: 'the answer' });
    expect(replies.map(addressIn)).toEqual(['10.0.0.1']);
    stranger.close();
  });

  it('have ids and ports that cannot be guessed', async () => {
    for (let index = 0; index < 200; index += 1) pass(queryPacket(`n${index}`), 'a');
    await until(() => queries.length === 200, { deadlineMs: 2_000, what: 'the queries' });
    const ids = queries.map(({ query }) => query.id ?? 0);
    const steps = new Set(ids.map((id, index) => id - (ids[index - 1] ?? 0)));
    expect(steps.size).toBeGreaterThan(150);
    expect(new Set(queries.map(({ from }) => from.port)).size).toBeGreaterThan(10);
  });

  it('that come back to us are not sent in circles', async () => {
    // Another tunnel that captures the same nameserver hands the query to us again, under an id of its own.
    behave = (query) => void pass(queryPacket('a', { id: query.id ?? 0 }), 'the other tunnel');
    pass(queryPacket('a'), 'client');
    await until(() => queries.length >= 1, { deadlineMs: 2_000, what: 'the query' });
    pass(queryPacket('end'), 'client');
    await until(() => queries.some(({ query }) => query.questions?.[0]?.name === 'end'), {
      deadlineMs: 2_000,
      what: 'a later query',
    });
    expect(queries.filter(({ query }) => query.questions?.[0]?.name === 'a')).toHaveLength(1);
  });

  it('are bounded while nobody answers', async () => {
    behave = () => {};
    for (let index = 0; index < 10_000; index += 1) pass(queryPacket(`n${index}`), 'a');
    const { pending } = passThrough;
    expect(pending).toBeLessThanOrEqual(4_096);
    expect(logger.lines).toEqual([
      expect.stringContaining('4096 queries wait for nameservers, further ones are dropped') as string,
    ]);
  });

  it('by TCP come from the same ports, several at once', async () => {
    const server: Server = createServer((socket) => socket.on('error', () => {}));
    server.listen(53, NAMESERVER.address);
    await once(server, 'listening');
    const sockets = await Promise.all(Array.from({ length: 10 }, () => passThrough.connect(NAMESERVER)));
    for (const socket of sockets) expect(passThrough.ports).toContain(socket.localPort);
    expect(new Set(sockets.map(({ localPort }) => localPort)).size).toBe(10);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('are asked for by TCP where UDP is silent, and from then on at once', async () => {
    behave = () => {};
    const server: Server = createServer((socket) => {
      const splitter = new MessageSplitter();
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        for (const message of splitter.push(chunk)) {
          const query = decode(message);
          socket.write(frame(answerTo({ ...query, id: ((query.id ?? 0) + 1) % 65_536 }, '6.6.6.6')));
          socket.write(frame(answerTo(query, '10.0.0.2')));
        }
      });
    });
    server.listen(53, NAMESERVER.address);
    await once(server, 'listening');
    const first = pass(queryPacket('a', { id: 5 }), 'client');
    await until(() => first.length === 1, { deadlineMs: 3_000, what: 'the answer by TCP' });
    expect(addressIn(first[0])).toBe('10.0.0.2');
    expect(first[0]?.readUInt16BE(0)).toBe(5);
    const asked = queries.length;
    const second = pass(queryPacket('b'), 'client');
    await until(() => second.length === 1, { deadlineMs: 1_000, what: 'the answer, at once' });
    expect(queries.length).toBe(asked);
    server.close();
  });
});
