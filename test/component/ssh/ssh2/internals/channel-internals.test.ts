import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { ChannelMux } from '../../../../../src/ssh/ssh2/channels/channel-mux.ts';
import { attachChannelWire } from '../../../../../src/ssh/ssh2/internals/channel-internals.ts';
import { SUPPORTED_SSH2_VERSION } from '../../../../../src/ssh/ssh2/internals/ssh2-version.ts';
import { checkBothWays } from '../../../../support/in-process/both-ways.ts';
import { carryFlow } from '../../../../support/in-process/carry-flow.ts';
import { openSocketPair, readToEnd } from '../../../../support/in-process/socket-pair.ts';
import { openDestination, openSsh2Pair, type Ssh2Pair } from '../../../../support/in-process/ssh2-pair.ts';
import { until } from '../../../../support/process/until.ts';
import { openTagSplitter } from '../../../../support/servers/tag-splitter.ts';

// The contract with ssh2's private parts: if one of these fails after an upgrade, channel-internals.ts must be read
// against the new version before anything else.

const attach = (pair: Ssh2Pair) =>
  new ChannelMux((events) => attachChannelWire(pair.client, pair.socket, events));

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('the installed ssh2 is the pinned one', () => {
  expect(createRequire(import.meta.url)('ssh2/package.json').version).toBe(SUPPORTED_SSH2_VERSION);
  expect(createRequire(import.meta.url)('../../../../../package.json').dependencies.ssh2).toBe(
    SUPPORTED_SSH2_VERSION,
  );
});

test.each(['aes128-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes256-ctr'] as const)(
  '8 MiB up, half-close, 8 MiB down, byte-exact, through several key exchanges, with %s',
  async (cipher) => {
    await using pair = await openSsh2Pair(undefined, cipher);
    await checkBothWays(pair);
  },
);

test('a key exchange that the server starts during an upload loses nothing', async () => {
  await using pair = await openSsh2Pair();
  let received: Promise<Buffer> | undefined;
  await using destination = await openDestination((socket) => {
    received = readToEnd(socket);
    void received.then(() => socket.end());
  });
  await using application = await openSocketPair();
  const mux = attach(pair);
  void carryFlow(mux, application.accepted, { host: '127.0.0.1', port: destination.port });
  const up = randomBytes(16 * 1024 * 1024);
  application.application.end(up);
  await until(() => received !== undefined, { deadlineMs: 2_000, what: 'the destination is reached' });
  pair.connection.rekey();
  expect(sha256((await received) ?? Buffer.alloc(0))).toBe(sha256(up));
});

test("a refused destination is told with the server's reason", async () => {
  await using pair = await openSsh2Pair();
  await using application = await openSocketPair();
  const mux = attach(pair);
  const { end } = await carryFlow(mux, application.accepted, { host: '127.0.0.1', port: 1 });
  expect(end).toMatchObject({ kind: 'refused', reason: 'connect-failed' });
});

test('a packet whose tag comes with a later read is not overwritten by it', async () => {
  await using pair = await openSsh2Pair(openTagSplitter);
  const down = randomBytes(1024 * 1024);
  await using destination = await openDestination((socket) => socket.end(down));
  await using application = await openSocketPair();
  void carryFlow(attach(pair), application.accepted, { host: '127.0.0.1', port: destination.port });
  expect(sha256(await readToEnd(application.application))).toBe(sha256(down));
});

test.each(['none', 'zlib@openssh.com'] as const)(
  'what is sent after the end of the protocol, with compression %s, goes nowhere and hurts nobody',
  async (compression) => {
    await using pair = await openSsh2Pair(undefined, undefined, compression);
    await using destination = await openDestination((socket) => socket.write('up'));
    await using application = await openSocketPair();
    const mux = attach(pair);
    const flow = carryFlow(mux, application.accepted, { host: '127.0.0.1', port: destination.port });
    await once(application.application, 'data');
    const writtenBytes = pair.socket.bytesWritten;
    Reflect.get(pair.client, '_protocol').cleanup();
    mux.openSession({ kind: 'exec', command: 'true' }, { sessionOver: () => {} });
    mux.wire.ping(() => {});
    mux.wire.windowAdjust(0, 1);
    mux.wire.data(0, Buffer.from('data'));
    mux.abortAll('the test ends');
    expect((await flow).end.kind).toBe('aborted');
    expect(pair.socket.bytesWritten).toBe(writtenBytes);
  },
);

test("ssh2's own channels live beside ours", async () => {
  await using pair = await openSsh2Pair();
  await using destination = await openDestination((socket) => socket.end('from the destination'));
  await using application = await openSocketPair();
  const mux = attach(pair);
  void carryFlow(mux, application.accepted, { host: '127.0.0.1', port: destination.port });
  const foreign = await new Promise<string>((resolve, reject) => {
    pair.client.forwardOut('127.0.0.1', 1, '127.0.0.1', destination.port, (error, channel) => {
      if (error) reject(error);
      else void readToEnd(channel as never).then((bytes) => resolve(bytes.toString()), reject);
    });
  });
  expect(foreign).toBe('from the destination');
  expect((await readToEnd(application.application)).toString()).toBe('from the destination');
});

test('a reader that stalls loses no byte while others read', async () => {
  await using pair = await openSsh2Pair();
  // More than the kernel's buffers on loopback, so that what a stalled reader has not taken waits with us.
  const down = randomBytes(48 * 1024 * 1024);
  await using destination = await openDestination((socket) => socket.end(down));
  const mux = attach(pair);
  const start = async () => {
    const sockets = await openSocketPair();
    void carryFlow(mux, sockets.accepted, { host: '127.0.0.1', port: destination.port });
    return sockets;
  };
  await using stalled = await start();
  await until(() => stalled.accepted.writableLength > 0, {
    deadlineMs: 10_000,
    what: 'the reader is stalled',
  });
  for (let others = 0; others < 2; others += 1) {
    await using other = await start();
    expect(sha256(await readToEnd(other.application))).toBe(sha256(down));
  }
  expect(stalled.accepted.writableLength).toBeGreaterThan(0);
  expect(sha256(await readToEnd(stalled.application))).toBe(sha256(down));
});
