import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { type ConnectedBastion, connectBastion } from '../../../../src/ssh/ssh2/connection/connect.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';
import { openMeddler } from '../../../support/servers/meddler.ts';

const KEXINIT = 20;
const KEX_REPLY = 31;
const NEWKEYS = 21;

describe('somebody in the middle of a handshake with sshd', () => {
  let sshd: LoopbackSshd;
  let key: string;
  let hostKey: string;

  beforeAll(async () => {
    sshd = await startLoopbackSshd();
    key = await sshd.makeKey('user_key');
    await sshd.authorize(key);
    hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  });

  afterAll(async () => {
    await sshd[Symbol.asyncDispose]();
  });

  async function connectThrough(port: number): Promise<ConnectedBastion> {
    await writeFile(sshd.knownHosts, `[127.0.0.1]:${port} ${hostKey}\n`);
    const logger = recordingLogger();
    const { signal } = new AbortController();
    const target = await resolveTarget({ ...sshd.request([key]), port }, { logger, signal });
    const context = { logger, prompter: NO_TERMINAL, signal, beforeDial: async () => {} };
    return await connectBastion(target, context);
  }

  test('who only passes on what is sent is not noticed; the exchange is strict', async () => {
    await using meddler = await openMeddler(sshd.port, {});
    const bastion = await connectThrough(meddler.port);
    expect(bastion.algorithms.isStrict).toBe(true);
    const closed = once(bastion.socket, 'close');
    bastion.client.end();
    await closed;
  });

  test.each([
    ['before KEXINIT', { insertBefore: KEXINIT }, /KEXINIT not first packet in strict KEX mode/],
    ['before the reply', { insertBefore: KEX_REPLY }, /Received unexpected packet type 2/],
    ['before NEWKEYS', { insertBefore: NEWKEYS }, /Received unexpected packet type 2/],
    // What Terrapin comes to: as many are left out as were put in, so that the numbers of the packets are right again.
    [
      'before NEWKEYS, with EXT_INFO left out for it',
      { insertBefore: NEWKEYS, dropEncrypted: 1 },
      /unexpected packet/,
    ],
  ])('who puts a message %s is noticed, and nobody logs in', async (_where, meddling, why) => {
    await using meddler = await openMeddler(sshd.port, meddling);
    await expect(connectThrough(meddler.port)).rejects.toMatchObject({
      code: 'ERR_BASTION_UNREACHABLE',
      message: expect.stringMatching(why),
    });
  });

  test('who leaves out the first message after the keys is noticed, and nobody logs in', async () => {
    await using meddler = await openMeddler(sshd.port, { dropEncrypted: 1 });
    await expect(connectThrough(meddler.port)).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_BASTION_/),
    });
  });
});
