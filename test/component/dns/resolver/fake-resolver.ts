import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type DecodedPacket, decode, encode, type Packet } from 'dns-packet';
import { frame, MessageSplitter } from '../../../../src/dns/message/message-splitter.ts';
import type { OpenConnection } from '../../../../src/dns/resolver/tcp-resolver.ts';

/** What the resolver does with a query: the packets that it sends, not necessarily well-formed. */
export type Behaviour = (query: DecodedPacket, connection: Socket) => readonly Buffer[];

/** A resolver on loopback that does what the test says. */
export interface FakeResolver extends AsyncDisposable {
  /** Every query, in the order of arrival. */
  readonly queries: DecodedPacket[];
  /** All connections so far. */
  readonly connections: Socket[];
  readonly open: OpenConnection;
}

/** Starts one. */
export async function startFakeResolver(behaviour: Behaviour): Promise<FakeResolver> {
  const queries: DecodedPacket[] = [];
  const connections: Socket[] = [];
  const server: Server = createServer((connection) => {
    connections.push(connection);
    const splitter = new MessageSplitter();
    connection.on('error', () => {});
    connection.on('data', (chunk) => {
      for (const message of splitter.push(chunk)) {
        const query = decode(message);
        queries.push(query);
        for (const packet of behaviour(query, connection)) connection.write(frame(packet));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    queries,
    connections,
    open: async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy();
      server.close();
    },
  };
}

/** An answer with one address. */
export function answerTo(query: DecodedPacket, address: string, more: Partial<Packet> = {}): Buffer {
  const questions = query.questions ?? [];
  const name = questions[0]?.name ?? '';
  const answers = [{ type: 'A' as const, name, ttl: 60, data: address }];
  return encode({ type: 'response', id: query.id ?? 0, questions, answers, ...more });
}
