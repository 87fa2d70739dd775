import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { connectBastion } from '../../../../src/ssh/ssh2/connection/connect.ts';
import { hasNativeCrypto } from '../../../../src/ssh/ssh2/internals/connection-internals.ts';
import { checkBothWays } from '../../../support/in-process/both-ways.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

// Where ssh2's native code was built ciphers go by OpenSSL all the same: with it AES-CTR costs twice the CPU.

let sshd: LoopbackSshd;
let userKey: string;

beforeAll(async () => {
  sshd = await startLoopbackSshd('RekeyLimit 4M');
  userKey = await sshd.makeKey('user_key');
  await sshd.authorize(userKey);
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

const logger = recordingLogger();
const { signal } = new AbortController();

async function connectWith(...options: string[]) {
  const request = sshd.request([userKey], 'StrictHostKeyChecking=accept-new', ...options);
  const target = await resolveTarget(request, { logger, signal });
  const context = { logger, signal, prompter: NO_TERMINAL, beforeDial: async () => {} };
  const bastion = await connectBastion(target, context);
  return Object.assign(bastion, {
    [Symbol.asyncDispose]: async () => {
      const closed = once(bastion.socket, 'close');
      bastion.client.end();
      await closed;
    },
  });
}

test.each([
  ['aes256-gcm@openssh.com', 'implicit'],
  ['chacha20-poly1305@openssh.com', 'implicit'],
  ['aes128-ctr', 'hmac-sha2-256-etm@openssh.com'],
  ['aes256-ctr', 'hmac-sha2-512'],
])('both ways, byte-exact, through key exchanges, in place by OpenSSL, with %s %s', async (cipher, mac) => {
  const macs = mac === 'implicit' ? [] : [`MACs=${mac}`];
  await using bastion = await connectWith(`Ciphers=${cipher}`, ...macs);
  expect(bastion.algorithms).toMatchObject({ cipher, mac });
  const ciphers = await checkBothWays(bastion);
  expect(ciphers.size).toBeGreaterThan(1);
  for (const one of ciphers) {
    expect(one.constructor.name).toMatch(/CipherNative$/);
    expect(Object.hasOwn(one, 'encrypt')).toBe(true);
  }
});

test('aes128-cbc stays as ssh2 has it', async () => {
  await sshd.reconfigure('Ciphers aes128-cbc');
  await using bastion = await connectWith('Ciphers=aes128-cbc');
  for (const one of await checkBothWays(bastion)) {
    expect(one.constructor.name).toBe(hasNativeCrypto() ? 'GenericCipherBinding' : 'GenericCipherNative');
  }
});
