import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Client, type Connection, Server } from 'ssh2';
import { describe, expect, test } from 'vitest';
import { deferred } from '../../../../../src/core/deferred.ts';
import { messageOf } from '../../../../../src/core/errors.ts';
import { exchangeHybrid } from '../../../../../src/ssh/ssh2/internals/hybrid-exchange-internals.ts';
import { isStrict, offerOwn } from '../../../../../src/ssh/ssh2/internals/key-exchange-internals.ts';
import type { KeyExchange } from '../../../../../src/ssh/ssh2/internals/key-exchange-shape.ts';
import { guardMessages } from '../../../../../src/ssh/ssh2/internals/message-guard-internals.ts';
import {
  HYBRID_METHOD,
  type HybridKeySource,
  hybridKeySource,
  hybridKeys,
} from '../../../../../src/ssh/ssh2/key-exchange/hybrid.ts';
import { nobleMlKem } from '../../../../../src/ssh/ssh2/key-exchange/ml-kem.ts';
import { serveKeyExchanges } from '../../../../support/in-process/hybrid-server.ts';
import { generateKeyPair } from '../../../../support/in-process/ssh2-key.ts';

const CURVE = 'curve25519-sha256';

const hostKey = generateKeyPair().private;

interface TestServer extends AsyncDisposable {
  readonly port: number;
}

/** Lets anybody in, with these methods only. */
async function serve(
  keyExchange: readonly string[],
  onConnection: (connection: Connection) => void = () => {},
): Promise<TestServer> {
  const server = new Server({ hostKeys: [hostKey] }, (connection) => {
    serveKeyExchanges(connection, keyExchange);
    onConnection(connection);
    connection.on('error', () => {});
    connection.on('authentication', (context) => context.accept());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}

/** What a handshake comes to: what was agreed on, or the reason why nothing was. */
interface Outcome {
  readonly client: Client;
  readonly kex: string | undefined;
  readonly why: string;
}

async function shakeHands(
  port: number,
  keyExchange: readonly string[],
  source: HybridKeySource,
  onConnect: (socket: Socket) => void = () => {},
): Promise<Outcome> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.once('connect', () => onConnect(socket));
  const client = new Client();
  const outcome = new Promise<Outcome>((resolve) => {
    let agreed: string | undefined;
    client.on('handshake', ({ kex }) => {
      agreed = kex;
    });
    client.on('ready', () => resolve({ client, kex: agreed, why: '' }));
    client.on('error', (error) => resolve({ client, kex: undefined, why: messageOf(error) }));
    client.on('close', () => resolve({ client, kex: undefined, why: 'closed' }));
  });
  client.connect({ sock: socket, username: 'anybody', password: 'none', readyTimeout: 0 });
  const methods = new Map([
    [
      HYBRID_METHOD,
      (exchange: KeyExchange) => exchangeHybrid(exchange, source, (error) => socket.destroy(error)),
    ],
  ]);
  guardMessages(client, socket, offerOwn(client, { keyExchange, methods }));
  return await outcome;
}

describe('what both sides have', () => {
  test.each([
    { ours: [HYBRID_METHOD, CURVE], theirs: [HYBRID_METHOD, CURVE], agreed: HYBRID_METHOD },
    { ours: [HYBRID_METHOD, CURVE], theirs: [HYBRID_METHOD], agreed: HYBRID_METHOD },
    { ours: [HYBRID_METHOD], theirs: [CURVE, HYBRID_METHOD], agreed: HYBRID_METHOD },
    { ours: [HYBRID_METHOD, CURVE], theirs: ['unknown@nowhere', HYBRID_METHOD], agreed: HYBRID_METHOD },
    { ours: [CURVE, HYBRID_METHOD], theirs: [HYBRID_METHOD, CURVE], agreed: CURVE },
    { ours: [HYBRID_METHOD, CURVE], theirs: [CURVE], agreed: CURVE },
    {
      ours: [HYBRID_METHOD, 'ecdh-sha2-nistp256'],
      theirs: ['ecdh-sha2-nistp256'],
      agreed: 'ecdh-sha2-nistp256',
    },
  ])('$ours with $theirs is $agreed', async ({ ours, theirs, agreed }) => {
    await using server = await serve(theirs);
    const { client, kex, why } = await shakeHands(server.port, ours, hybridKeySource());
    expect([kex, why]).toEqual([agreed, '']);
    expect(isStrict(client)).toBe(true);
    client.destroy();
  });

  test.each([
    { ours: [HYBRID_METHOD, CURVE], theirs: ['sntrup761x25519-sha512@openssh.com'] },
    { ours: [HYBRID_METHOD], theirs: [CURVE] },
    { ours: [CURVE], theirs: [HYBRID_METHOD] },
  ])('$ours with $theirs is nothing', async ({ ours, theirs }) => {
    await using server = await serve(theirs);
    const { client, kex, why } = await shakeHands(server.port, ours, hybridKeySource());
    expect(kex).toBeUndefined();
    expect(why).toBe('Handshake failed: no matching key exchange algorithm');
    client.destroy();
  });

  test('it is agreed on again, with other keys, whichever side begins', async () => {
    const connections: Connection[] = [];
    await using server = await serve([HYBRID_METHOD], (connection) => connections.push(connection));
    const made: string[] = [];
    const source = hybridKeySource();
    const { client } = await shakeHands(server.port, [HYBRID_METHOD], {
      prepare: () => source.prepare(),
      get isPrepared() {
        return source.isPrepared;
      },
      newKeys: () => {
        const keys = source.newKeys();
        made.push(keys.publicKey.toString('hex'));
        return keys;
      },
    });
    const [connection] = connections as [Connection];
    for (let round = 0; round < 5; round += 1) {
      const rekeyed = Promise.all([once(client, 'handshake'), once(connection, 'handshake')]);
      if (round % 2 === 0) connection.rekey();
      else (Reflect.get(client, '_protocol') as { rekey(): void }).rekey();
      for (const [negotiated] of await rekeyed) expect(negotiated).toMatchObject({ kex: HYBRID_METHOD });
    }
    expect(new Set(made).size).toBe(6);
    client.destroy();
  });
});

describe('keys that are loaded when they are agreed on', () => {
  test('are not loaded for another method', async () => {
    await using server = await serve([CURVE]);
    const source = hybridKeySource();
    const { client, kex } = await shakeHands(server.port, [HYBRID_METHOD, CURVE], source);
    expect([kex, source.isPrepared]).toEqual([CURVE, false]);
    client.destroy();
  });

  test('cannot be loaded: the handshake fails, and says why', async () => {
    await using server = await serve([HYBRID_METHOD]);
    const { client, kex, why } = await shakeHands(server.port, [HYBRID_METHOD], {
      ...hybridKeySource(),
      isPrepared: false,
      prepare: () => Promise.reject(new Error('no ML-KEM here')),
    });
    expect([kex, why]).toEqual([undefined, 'no ML-KEM here']);
    client.destroy();
  });

  test('are loaded when the connection is over: nothing is sent, and nothing fails', async () => {
    await using server = await serve([HYBRID_METHOD]);
    const source = hybridKeySource();
    const loading = deferred<void>();
    const asked = deferred<void>();
    let socket: Socket | undefined;
    const shaking = shakeHands(
      server.port,
      [HYBRID_METHOD],
      {
        newKeys: () => source.newKeys(),
        get isPrepared() {
          return source.isPrepared;
        },
        prepare: async () => {
          asked.resolve();
          await loading.promise;
          await source.prepare();
        },
      },
      (connected) => {
        socket = connected;
      },
    );
    await asked.promise;
    socket!.destroy();
    expect((await shaking).kex).toBeUndefined();
    const { bytesWritten } = socket!;
    loading.resolve();
    await source.prepare();
    expect(socket!.bytesWritten).toBe(bytesWritten);
  });
});

/** A generator of numbers from 0 to below 1 that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Of a packet without a cipher: all but the padding and its length, which nothing protects and nobody reads. */
function meaningfulBytes(packet: Buffer): number[] {
  const paddingAt = packet.length - packet.readUInt8(4);
  return [...packet.keys()].filter((at) => at !== 4 && at < paddingAt);
}

/** Changes one of the packets that a server sends before its keys: KEXINIT, the reply, NEWKEYS. */
function mutate(packet: Buffer, random: () => number): Buffer {
  const places = meaningfulBytes(packet);
  const at = places[Math.floor(random() * places.length)] ?? 0;
  const changed = Buffer.from(packet);
  switch (Math.floor(random() * 4)) {
    case 0:
      changed[at] = (packet[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      return changed;
    case 1:
      changed[at] = ((packet[at] ?? 0) + 1 + Math.floor(random() * 255)) & 0xff;
      return changed;
    case 2:
      return Buffer.concat([packet.subarray(0, at), packet.subarray(at + 1)]);
    default:
      return Buffer.concat([
        packet.subarray(0, at),
        Buffer.of(Math.floor(random() * 256)),
        packet.subarray(at),
      ]);
  }
}

const MUTATIONS = 1_000;
const AT_ONCE = 100;
const PACKETS_BEFORE_KEYS = 3;

/** How often is looked for those that wait for the rest of something: one turn of the loop would do. */
const LOOK_EVERY_MS = 20;

/** Whether nothing is on its way, and neither has said anything since this was last asked: each waits for the other, for ever. */
function stuckLook(one: Socket, other: Socket): () => boolean {
  let before = -1;
  return () => {
    const said = one.bytesWritten + other.bytesWritten;
    const isQuiet = said === before;
    before = said;
    return isQuiet && one.bytesRead + other.bytesRead === said;
  };
}

test(`of ${MUTATIONS} handshakes of which something was changed on the way none comes to a login, and none is more than refused`, async () => {
  const random = seeded(29);
  // The same keys each time: there is nothing to protect.
  const keys = hybridKeys(await nobleMlKem());
  let isChanging = false;
  const accepted = new Map<number | undefined, Socket>();
  const endWhenStuck = (socket: Socket): void => {
    let isStuck = (): boolean => {
      const other = accepted.get(socket.localPort);
      if (other !== undefined) isStuck = stuckLook(socket, other);
      return false;
    };
    const timer = setInterval(() => isStuck() && socket.destroy(), LOOK_EVERY_MS);
    socket.on('close', () => clearInterval(timer));
  };
  await using server = await serve([HYBRID_METHOD], (connection) => {
    const changedPacket = isChanging ? Math.floor(random() * PACKETS_BEFORE_KEYS) : undefined;
    let sent = 0;
    const cipher = (Reflect.get(connection, '_protocol') as { _cipher: { _onWrite(packet: Buffer): void } })
      ._cipher;
    const write = cipher._onWrite;
    const socket = Reflect.get(connection, '_sock') as Socket;
    const port = socket.remotePort;
    accepted.set(port, socket);
    connection.on('close', () => accepted.delete(port));
    cipher._onWrite = (packet) => {
      write(sent === changedPacket ? mutate(packet, random) : packet);
      sent += 1;
    };
  });
  const source: HybridKeySource = { prepare: async () => {}, isPrepared: true, newKeys: () => keys };
  expect((await shakeHands(server.port, [HYBRID_METHOD], source)).kex).toBe(HYBRID_METHOD);
  isChanging = true;
  const outcomes: string[] = [];
  for (let round = 0; round < MUTATIONS; round += AT_ONCE) {
    const many = await Promise.all(
      Array.from({ length: AT_ONCE }, () => shakeHands(server.port, [HYBRID_METHOD], source, endWhenStuck)),
    );
    for (const { client, kex, why } of many) {
      outcomes.push(kex ?? why);
      client.destroy();
    }
  }
  expect(outcomes.filter((outcome) => outcome === HYBRID_METHOD)).toEqual([]);
  // Each kind of check has had its turn.
  for (const why of ['signature verification failed', 'no matching', 'malformed'])
    expect(outcomes.filter((outcome) => outcome.includes(why)).length, why).toBeGreaterThan(0);
}, 60_000);
