import '../../../support/in-process/without-native-code.ts';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SshTarget } from '../../../../src/ssh/ssh-target.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

// What an installation without ssh2's native code does: npm does not run its script, or it cannot be compiled.

const { checkBothWays } = await import('../../../support/in-process/both-ways.ts');
const { openDestination, openSsh2Pair } = await import('../../../support/in-process/ssh2-pair.ts');
const { resolveTarget } = await import('../../../../src/ssh/config/target.ts');
const { connectBastion } = await import('../../../../src/ssh/ssh2/connection/connect.ts');
const { openSsh2Transport } = await import('../../../../src/ssh/ssh2/transport.ts');

/** Each one that carried something of ours goes by OpenSSL, in place. */
function expectInPlace(ciphers: ReadonlySet<object>): void {
  expect(ciphers.size).toBeGreaterThan(1);
  for (const cipher of ciphers) {
    expect(cipher.constructor.name).toMatch(/CipherNative$/);
    expect(Object.hasOwn(cipher, 'encrypt')).toBe(true);
  }
}

test.each(['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'] as const)(
  '8 MiB up, half-close, 8 MiB down, byte-exact, through several key exchanges, with %s',
  async (algorithm) => {
    await using pair = await openSsh2Pair(undefined, algorithm);
    expectInPlace(await checkBothWays(pair));
  },
);

describe('with sshd', () => {
  let sshd: LoopbackSshd;
  let userKey: string;

  beforeAll(async () => {
    sshd = await startLoopbackSshd('RekeyLimit 1M');
    userKey = await sshd.makeKey('user_key');
    await sshd.authorize(userKey);
  });

  afterAll(async () => {
    await sshd[Symbol.asyncDispose]();
  });

  const logger = recordingLogger();
  const { signal } = new AbortController();
  const context = { logger, prompter: NO_TERMINAL, signal, beforeDial: async () => {} };

  async function targetOf(cipher: string, mac: string | undefined, port = sshd.port): Promise<SshTarget> {
    const options = ['StrictHostKeyChecking=accept-new', `Ciphers=${cipher}`];
    if (mac !== undefined) options.push(`MACs=${mac}`);
    return await resolveTarget({ ...sshd.request([userKey], ...options), port }, { logger, signal });
  }

  test.each([
    ['chacha20-poly1305@openssh.com', undefined],
    ['aes128-ctr', 'hmac-sha2-256-etm@openssh.com'],
    ['aes192-ctr', 'hmac-sha2-512-etm@openssh.com'],
    ['aes256-ctr', 'hmac-sha2-256'],
    ['aes256-ctr', 'hmac-sha2-512'],
  ])('both ways, byte-exact, through more than ten key exchanges, with %s %s', async (cipher, mac) => {
    const bastion = await connectBastion(await targetOf(cipher, mac), context);
    expect(bastion.algorithms).toMatchObject({ cipher, mac: mac ?? 'implicit' });
    let exchanges = 0;
    bastion.client.on('handshake', () => {
      exchanges += 1;
    });
    expectInPlace(await checkBothWays(bastion));
    expect(exchanges).toBeGreaterThan(10);
    const closed = once(bastion.socket, 'close');
    bastion.client.end();
    await closed;
  });

  test.each([
    ['aes128-gcm@openssh.com', undefined],
    ['chacha20-poly1305@openssh.com', undefined],
    ['aes128-ctr', 'hmac-sha2-256-etm@openssh.com'],
    ['aes128-ctr', 'hmac-sha2-256'],
  ])('a bit that changes on the way ends the connection, and it is said, with %s %s', async (cipher, mac) => {
    await using changer = await openBitChanger(sshd.port);
    const transport = await openSsh2Transport(await targetOf(cipher, mac, changer.port), {
      ...context,
      mayOpenSession: false,
    });
    await using destination = await openDestination((socket) => socket.pipe(socket));
    const flow = await transport.open({ host: '127.0.0.1', port: destination.port }, signal);
    flow.on('error', () => {});
    flow.write('whole');
    expect(String(await once(flow, 'data'))).toBe('whole');
    changer.change();
    flow.write(Buffer.alloc(20_000));
    expect(await transport.lost).toMatchObject({
      code: 'ERR_BASTION_LOST',
      message: expect.stringMatching(
        /lost the bastion .*: a packet was changed on the way \(corrupted MAC on input\)/,
      ),
    });
    await transport.close();
  });
});

/** Passes on what is sent, until one bit of what the server sends is to be changed, in the middle of a packet. */
async function openBitChanger(
  serverPort: number,
): Promise<{ readonly port: number; change(): void } & AsyncDisposable> {
  const sockets: Socket[] = [];
  let isToChange = false;
  const server = createServer((client) => {
    const bastion = connect({ host: '127.0.0.1', port: serverPort });
    sockets.push(client, bastion);
    for (const socket of [client, bastion]) socket.on('error', () => {});
    client.pipe(bastion);
    bastion.on('data', (chunk: Buffer) => {
      if (isToChange && chunk.length > 1_000) {
        chunk[chunk.length - 500] = (chunk[chunk.length - 500] ?? 0) ^ 4;
        isToChange = false;
      }
      client.write(chunk);
    });
    bastion.on('close', () => client.destroy());
    client.on('close', () => bastion.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    change: () => {
      isToChange = true;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
