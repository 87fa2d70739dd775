import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { connectBastion } from '../../../../src/ssh/ssh2/connection/connect.ts';
import { checkBothWays } from '../../../support/in-process/both-ways.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

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

// AES-GCM, with which data is put straight into packets, and a cipher with which ssh2 makes these.
test.each(['aes128-gcm@openssh.com', 'aes128-ctr'])(
  'Compression yes: 8 MiB each way, byte-exact, through more than ten key exchanges, with %s',
  async (cipher) => {
    const logger = recordingLogger();
    const { signal } = new AbortController();
    const options = ['StrictHostKeyChecking=accept-new', 'Compression=yes', `Ciphers=${cipher}`];
    const target = await resolveTarget(sshd.request([userKey], ...options), { logger, signal });
    const bastion = await connectBastion(target, {
      logger,
      prompter: NO_TERMINAL,
      signal,
      beforeDial: async () => {},
    });
    try {
      expect(bastion.algorithms).toMatchObject({ cipher, compression: 'zlib@openssh.com' });
      let exchanges = 0;
      bastion.client.on('handshake', () => {
        exchanges += 1;
      });
      await checkBothWays(bastion);
      expect(exchanges).toBeGreaterThan(10);
    } finally {
      bastion.client.end();
    }
  },
);
