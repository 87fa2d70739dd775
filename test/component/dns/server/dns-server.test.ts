import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type DecodedPacket, decode } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { errorAnswer } from '../../../../src/dns/message/message.ts';
import { frame, MessageSplitter } from '../../../../src/dns/message/message-splitter.ts';
import { Overload } from '../../../../src/dns/overload.ts';
import { CachingResolver } from '../../../../src/dns/resolver/caching-resolver.ts';
import { TcpResolver } from '../../../../src/dns/resolver/tcp-resolver.ts';
import { DnsServer } from '../../../../src/dns/server/dns-server.ts';
import { QueryPolicy } from '../../../../src/dns/server/query-policy.ts';
import type { SourceAddress } from '../../../../src/net/address/source-address.ts';
import { until } from '../../../support/process/until.ts';
import { opt, queryPacket } from '../../../unit/dns/message/sample-messages.ts';
import { answerTo, type Behaviour, type FakeResolver, startFakeResolver } from '../resolver/fake-resolver.ts';

const SILENT = { debug() {}, info() {}, warn() {}, error() {} } as const;

const NAMESERVER = { address: '192.0.2.53', scope: undefined };

/** All names are the bastion's side's. */
const EVERYTHING = { wayToBastion: [], hosts: [], zones: [], everything: true } as const;

async function withForwarder(
  behaviour: Behaviour,
  test: (front: { readonly port: number }, fake: FakeResolver) => Promise<void>,
): Promise<void> {
  await using fake = await startFakeResolver(behaviour);
  const resolver = new TcpResolver({ family: 4, address: '10.0.0.2', port: 53 }, fake.open);
  const cachingResolver = new CachingResolver([resolver], SILENT);
  const handler = new QueryPolicy(
    () => EVERYTHING,
    (query) => cachingResolver.respond(query),
  );
  const forwarder = await DnsServer.open([NAMESERVER], handler, new Overload(SILENT));
  try {
    await test({ port: forwarder.listenAddresses[0]!.port }, fake);
  } finally {
    forwarder.close();
    resolver.close();
  }
}

/** Sends packets from one connected socket, and takes as many answers. */
async function byUdp(
  port: number,
  packets: readonly Buffer[],
  answerCount: number,
): Promise<DecodedPacket[]> {
  const socket = createSocket('udp4');
  const answers: DecodedPacket[] = [];
  socket.on('message', (answer) => void answers.push(decode(answer)));
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  for (const packet of packets) socket.send(packet);
  try {
    await until(() => answers.length >= answerCount, {
      deadlineMs: 5_000,
      what: () => `${answers.length} answers`,
    });
    return answers;
  } finally {
    socket.close();
  }
}

const answers: Behaviour = (query) => [answerTo(query, '10.0.0.1')];

describe('the forwarder', () => {
  it('gives up a TCP client whose nameserver does not read', async () => {
    const nameserver = { address: '127.77.0.77', scope: undefined };
    if (process.getuid?.() !== 0) return;
    const held: Socket[] = [];
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      socket.on('error', () => {});
      held.push(socket);
    });
    server.listen(53, nameserver.address);
    await once(server, 'listening');
    const rules = { ...EVERYTHING, everything: false };
    const handler = new QueryPolicy(
      () => rules,
      async (query) => errorAnswer(query, 3),
    );
    const forwarder = await DnsServer.open([nameserver], handler, new Overload(SILENT));
    const client = connect(forwarder.listenAddresses[0]!.port, '127.0.0.1');
    client.on('error', () => {});
    const many = Buffer.concat(
      Array.from({ length: 2_000 }, (_, id) => frame(queryPacket('a.example', { id }))),
    );
    const pump = (): void => {
      while (!client.destroyed && client.write(many));
    };
    client.on('drain', pump);
    const closed = new Promise((resolve) => client.once('close', resolve));
    client.resume();
    client.write(frame(queryPacket('first.example')));
    await until(() => held.length === 1, { deadlineMs: 2_000, what: 'the connection to the nameserver' });
    pump();
    await closed;
    forwarder.close();
    for (const socket of held) socket.destroy();
    server.close();
  });

  it('has a port for each nameserver, which stays when others come and go', async () => {
    const handler = new QueryPolicy(
      () => EVERYTHING,
      async (query) => errorAnswer(query, 3),
    );
    const forwarder = await DnsServer.open([NAMESERVER], handler, new Overload(SILENT));
    const [first] = forwarder.listenAddresses;
    const others = [
      { address: '192.0.2.54', scope: undefined },
      { address: '2001:db8::53', scope: undefined },
    ];
    await forwarder.serve([NAMESERVER, ...others]);
    expect(forwarder.listenAddresses.length).toBeGreaterThanOrEqual(2);
    expect(new Set(forwarder.listenAddresses.map(({ port }) => port)).size).toBe(
      forwarder.listenAddresses.length,
    );
    forwarder.retireOthers([NAMESERVER]);
    expect(forwarder.listenAddresses).toEqual([first]);
    expect(await byUdp(first!.port, [queryPacket('a')], 1)).toMatchObject([{ rcode: 'NXDOMAIN' }]);
    forwarder.close();
    expect(forwarder.listenAddresses).toEqual([]);
  });

  it('asks once for many who ask the same at a time, and then from the cache, each under its own id', async () => {
    await withForwarder(answers, async ({ port }, fake) => {
      const packets = Array.from({ length: 50 }, (_, id) => queryPacket('a.example', { id }));
      const received = await byUdp(port, packets, 50);
      expect(received.map(({ id }) => id ?? -1).sort((a, b) => a - b)).toEqual(packets.map((_, id) => id));
      await byUdp(port, [queryPacket('A.example', { id: 77 })], 1);
      expect(fake.queries).toHaveLength(1);
    });
  });

  it('answers several queries of one TCP connection, also those that came before its end', async () => {
    await withForwarder(answers, async ({ port }) => {
      const client = connect(port, '127.0.0.1');
      const splitter = new MessageSplitter();
      const received: DecodedPacket[] = [];
      client.on('data', (chunk) => received.push(...splitter.push(chunk).map((message) => decode(message))));
      const queries = Buffer.concat([1, 2, 3].map((id) => frame(queryPacket(`n${id}`, { id }))));
      // In pieces that end in the middle of a length and of a message.
      client.write(queries.subarray(0, 1));
      client.write(queries.subarray(1, 30));
      client.end(queries.subarray(30));
      await once(client, 'close');
      expect(received.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
    });
  });

  it('cuts what is too long for the client by UDP, and gives all of it by TCP', async () => {
    const long = Array.from({ length: 100 }, () => ({
      type: 'A' as const,
      name: 'a',
      ttl: 1,
      data: '10.0.0.1',
    }));
    await withForwarder(
      (query) => [answerTo(query, '', { answers: long })],
      async ({ port }) => {
        const [cut] = await byUdp(port, [queryPacket('a')], 1);
        expect(cut).toMatchObject({ flag_tc: true, answers: [] });
        const [whole] = await byUdp(port, [queryPacket('a', { additionals: [opt(4096)] })], 1);
        expect(whole).toMatchObject({ flag_tc: false, answers: { length: 100 } });
      },
    );
  });

  it('answers SERVFAIL when the resolver breaks off every time', async () => {
    await withForwarder(
      (_query, connection) => {
        connection.destroy();
        return [];
      },
      async ({ port }) => {
        expect((await byUdp(port, [queryPacket('a')], 1))[0]).toMatchObject({ id: 7, rcode: 'SERVFAIL' });
      },
    );
  });

  it('goes on after malformed and oversized packets', async () => {
    await withForwarder(answers, async ({ port }) => {
      const garbage = Array.from({ length: 300 }, (_, index) => Buffer.alloc(index * 100, index));
      await byUdp(port, [...garbage, queryPacket('a', { id: 4242 })], 0);
      const client = connect(port, '127.0.0.1');
      client.on('error', () => {});
      client.write(frame(Buffer.alloc(65_535, 0xff)));
      client.resume();
      await once(client, 'close');
      expect(await byUdp(port, [queryPacket('a')], 1)).toMatchObject([{ id: 7, rcode: 'NOERROR' }]);
    });
  });
});

describe('DnsServer for others', () => {
  const at = (address: string): SourceAddress => ({
    interfaceName: 'lo',
    interfaceIndex: 1,
    family: 4,
    address,
    sources: [{ kind: 'interface', name: 'lo' }],
  });

  it('tells where it cannot listen, as long as that is wanted', async () => {
    const handler = new QueryPolicy(
      () => EVERYTHING,
      async (query) => errorAnswer(query, 3),
    );
    const server = await DnsServer.open([NAMESERVER], handler, new Overload(SILENT));
    try {
      await server.followOthers([at('127.0.0.77'), at('192.0.2.1')]);
      const { port } = server.listenAddresses[0]!;
      expect(server.othersProblems).toMatchObject([
        {
          cause: 'others-listener',
          what: `DNS: what comes in by lo is not accepted: cannot listen on 192.0.2.1:${port} (EADDRNOTAVAIL)`,
        },
      ]);
      await server.followOthers([at('127.0.0.77')]);
      expect(server.othersProblems).toEqual([]);
      await server.followOthers([at('192.0.2.1')]);
      expect(server.othersProblems).toHaveLength(1);
      server.retireOthers([]);
      expect(server.othersProblems).toEqual([]);
    } finally {
      server.close();
    }
  });
});
