import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import ssh2 from 'ssh2';
import { describe, expect, test } from 'vitest';
import { unacknowledgedBytes } from '../../../../../src/net/native/tcp.ts';
import {
  ALGORITHM_KEYWORDS,
  DEFAULT_ALGORITHMS,
  ON_REQUEST_ALGORITHMS,
} from '../../../../../src/ssh/config/algorithms.ts';
import {
  KeySigner,
  sendKeepalive,
  socketQueue,
  stopDebugOutput,
} from '../../../../../src/ssh/ssh2/internals/connection-internals.ts';
import { withoutCertificates } from '../../../../../src/ssh/ssh2/internals/host-certificate-internals.ts';
import { withoutMethods } from '../../../../../src/ssh/ssh2/internals/key-exchange-internals.ts';
import { HYBRID_METHOD } from '../../../../../src/ssh/ssh2/key-exchange/hybrid.ts';
import { generateKeyPair } from '../../../../support/in-process/ssh2-key.ts';
import { openSsh2Pair } from '../../../../support/in-process/ssh2-pair.ts';
import { until } from '../../../../support/process/until.ts';

/** A change in ssh2 that breaks one of these breaks connecting; see native-notes/ssh2-connection-internals.md. */
describe('the parts of ssh2 that connecting relies on', () => {
  test('a keepalive is answered, and the answers of later requests still go to their callers', async () => {
    await using pair = await openSsh2Pair();
    const requests: string[] = [];
    pair.connection.on('request', (accept, reject, name, info) => {
      requests.push(name);
      if (name === 'tcpip-forward') accept?.(4242);
      else reject?.();
      expect(info).toBeDefined();
    });
    const before = pair.socket.bytesRead;
    sendKeepalive(pair.client);
    await until(() => pair.socket.bytesRead > before, {
      deadlineMs: 5000,
      what: 'an answer to the keepalive',
    });
    sendKeepalive(pair.client);
    sendKeepalive(pair.client);
    const port = await new Promise((resolve, reject) => {
      pair.client.forwardIn('127.0.0.1', 0, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    expect(port).toBe(4242);
  });

  test('debug output can be ended', async () => {
    await using pair = await openSsh2Pair();
    const lines: string[] = [];
    const protocol = Reflect.get(pair.client, '_protocol') as { _debug: unknown };
    expect(protocol).toHaveProperty('_debug');
    protocol._debug = (line: string) => lines.push(line);
    sendKeepalive(pair.client);
    expect(lines).not.toEqual([]);
    stopDebugOutput(pair.client);
    lines.length = 0;
    sendKeepalive(pair.client);
    expect(lines).toEqual([]);
  });

  test('a stand-in passes for a parsed private key', () => {
    const pair = generateKeyPair();
    const parsed = ssh2.utils.parseKey(pair.public);
    if (parsed instanceof Error) throw parsed;
    const blob = parsed.getPublicSSH();
    const standIn = new KeySigner(() => {}).standIn({
      publicKey: { type: 'ssh-ed25519', blob },
      description: 'test',
      sign: async () => Buffer.alloc(0),
    });
    expect(standIn?.isPrivateKey()).toBe(true);
    expect(standIn?.type).toBe('ssh-ed25519');
    expect(standIn?.getPublicSSH().equals(blob)).toBe(true);
    expect(ssh2.utils.parseKey(standIn as ssh2.ParsedKey)).toBe(standIn);
  });

  test('a client that has not begun is refused', () => {
    expect(() => sendKeepalive(new ssh2.Client())).toThrow(/version of ssh2/);
  });
});

test('another version of ssh2 is refused with what to do', () => {
  const other = new ssh2.Client();
  Object.assign(other, { _callbacks: undefined });
  expect(() => sendKeepalive(other)).toThrow(
    expect.objectContaining({ code: 'ERR_INTERNAL', remedy: expect.stringContaining('npm ci') }),
  );
});

test('ssh2 knows every algorithm that we may offer', () => {
  const names = (list: keyof typeof DEFAULT_ALGORITHMS): string[] => [
    ...DEFAULT_ALGORITHMS[list],
    ...ON_REQUEST_ALGORITHMS[list],
  ];
  const client = new ssh2.Client();
  client.on('error', () => {});
  const socket = connect({ host: '127.0.0.1', port: 1 });
  socket.on('error', () => {});
  expect(ALGORITHM_KEYWORDS.map(({ list }) => list).sort()).toEqual([
    'cipher',
    'hostKey',
    'keyExchange',
    'mac',
  ]);
  // ssh2 throws for a name it does not know.
  client.connect({
    sock: socket,
    username: 'x',
    algorithms: {
      kex: [...withoutMethods(names('keyExchange'), [HYBRID_METHOD])] as ssh2.KexAlgorithm[],
      serverHostKey: [...withoutCertificates(names('hostKey'))] as ssh2.ServerHostKeyAlgorithm[],
      cipher: names('cipher') as ssh2.CipherAlgorithm[],
      hmac: names('mac') as ssh2.MacAlgorithm[],
      compress: names('compression') as ssh2.CompressionAlgorithm[],
    },
  });
  socket.destroy();
});

test('the queues of a socket tell what its peer has got', async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connected = once(server, 'connection');
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  socket.on('error', () => {});
  const [peer] = (await connected) as [import('node:net').Socket];
  const size = 16 * 1_048_576;
  socket.write(Buffer.alloc(size));
  await until(() => socketQueue(socket).takenBytes > 0, { deadlineMs: 5000, what: 'the kernel takes some' });
  const { takenBytes, waitingBytes } = socketQueue(socket);
  expect(takenBytes + waitingBytes).toBe(size);
  expect(waitingBytes).toBeGreaterThan(0);
  const unacknowledged = unacknowledgedBytes(socket);
  if (process.platform === 'linux') expect(unacknowledged).toBeGreaterThan(0);
  peer.resume();
  await until(() => socketQueue(socket).takenBytes === size && (unacknowledgedBytes(socket) ?? 0) === 0, {
    deadlineMs: 5000,
    what: 'everything is delivered',
  });
  expect(socketQueue(socket).waitingBytes).toBe(0);
  socket.destroy();
  peer.destroy();
  await once(socket, 'close');
  expect(unacknowledgedBytes(socket)).toBeUndefined();
  expect(socketQueue(socket).takenBytes).toBe(size);
  server.close();
});
