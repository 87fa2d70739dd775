import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { type CipherAlgorithm, Client, type CompressionAlgorithm, type Connection, Server } from 'ssh2';
import { afterEach, expect, test, vi } from 'vitest';
import { guardMessages } from '../../../../src/ssh/ssh2/internals/message-guard-internals.ts';
import { generateKeyPair } from '../../../support/in-process/ssh2-key.ts';

const { sendPacket } = createRequire(import.meta.url)('ssh2/lib/protocol/utils.js') as {
  sendPacket(protocol: object, packet: Buffer): void;
};

/** A client whose messages are guarded, and what its server can be made to send. */
interface Guarded extends AsyncDisposable {
  readonly connection: Connection;
  /** What the connection is given up with. */
  readonly failure: Promise<Error>;
  send(payload: Buffer): void;
}

async function openGuarded(compression: CompressionAlgorithm, cipher: CipherAlgorithm): Promise<Guarded> {
  const connections: Connection[] = [];
  const server = new Server({ hostKeys: [generateKeyPair().private] }, (connection) => {
    connections.push(connection);
    connection.on('error', () => {});
    connection.on('authentication', (context) => context.accept());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect({ host: '127.0.0.1', port: (server.address() as { port: number }).port });
  const client = new Client();
  const failure = new Promise<Error>((resolve) => client.on('error', resolve));
  client.connect({
    sock: socket,
    username: 'anybody',
    algorithms: { compress: [compression], cipher: [cipher] },
  });
  guardMessages(client, socket, (payload) => payload);
  await once(client, 'ready');
  const [connection] = connections as [Connection];
  return {
    connection,
    failure,
    send: (payload) => {
      const protocol = Reflect.get(connection, '_protocol');
      const { write } = protocol._packetRW;
      const packet = write.alloc(payload.length);
      packet.set(payload, write.allocStart);
      sendPacket(protocol, write.finalize(packet));
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      server.close();
    },
  };
}

afterEach(() => {
  vi.useRealTimers();
});

const IGNORE = 2;
const GLOBAL_REQUEST = 80;
const CHANNEL_DATA = 94;

test.each([
  ['zlib@openssh.com', 'aes128-gcm@openssh.com', IGNORE],
  ['zlib@openssh.com', 'aes256-ctr', GLOBAL_REQUEST],
  ['zlib', 'chacha20-poly1305@openssh.com', CHANNEL_DATA],
] as const)('with %s and %s, a message %i of 20 MB in a packet of 20 KB is not inflated', async (...kind) => {
  const [compression, cipher, type] = kind;
  await using guarded = await openGuarded(compression, cipher);
  // As much as this is taken.
  const payload = Buffer.alloc(200 * 1024);
  payload[0] = IGNORE;
  guarded.send(payload);
  const bomb = Buffer.alloc(20_000_000);
  bomb[0] = type;
  guarded.send(bomb);
  const { name, message } = await guarded.failure;
  expect([name, message]).toEqual([
    'ProtocolViolation',
    'it sends a packet that is more than 262144 bytes when it is inflated',
  ]);
});

test('what cannot be inflated is told as that', async () => {
  await using guarded = await openGuarded('zlib@openssh.com', 'aes128-gcm@openssh.com');
  sendPacket(
    Reflect.get(guarded.connection, '_protocol'),
    packetOf(guarded.connection, Buffer.alloc(100, 255)),
  );
  expect(`${await guarded.failure}`).toMatch(/^ProtocolViolation: it sends what cannot be inflated: \w/);
});

/** A packet of these bytes as they are. */
function packetOf(connection: Connection, bytes: Buffer): Buffer {
  const packet: Buffer = Reflect.get(connection, '_protocol')._cipher.allocPacket(bytes.length);
  packet.set(bytes, 5);
  return packet;
}

test('a key exchange that the server begins and never finishes is given up after a minute', async () => {
  await using guarded = await openGuarded('none', 'aes128-gcm@openssh.com');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let failed: Error | undefined;
  void guarded.failure.then((error) => {
    failed = error;
  });
  guarded.connection.rekey();
  // It hears no answer, and so gives none.
  (Reflect.get(guarded.connection, '_sock') as { pause(): void }).pause();
  while (vi.getTimerCount() === 0) await turn();
  vi.advanceTimersByTime(59_999);
  await turn();
  expect(failed).toBeUndefined();
  vi.advanceTimersByTime(1);
  await turn();
  expect(`${failed}`).toBe('ProtocolViolation: it does not finish the key exchange that it began');
});

test('one that it finishes is not', async () => {
  await using guarded = await openGuarded('none', 'aes128-gcm@openssh.com');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  guarded.connection.rekey();
  while (vi.getTimerCount() === 0) await turn();
  while (vi.getTimerCount() > 0) await turn();
});
