import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpensshCarry, openOpensshTransport } from '../../../src/ssh/openssh/transport.ts';
import { resolveTarget } from '../../../src/ssh/target.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../support/loopback-sshd.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { readToEnd } from '../../support/socket-pair.ts';
import { openDestination } from '../../support/ssh2-pair.ts';

let sshd: LoopbackSshd;
const { signal } = new AbortController();

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  await sshd.authorize(await sshd.makeKey('user_key'));
  const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

async function connect(carry: OpensshCarry) {
  const logger = recordingLogger();
  const request = sshd.request([join(sshd.directory, 'user_key')]);
  const target = await resolveTarget(request, { logger, signal });
  return await openOpensshTransport(target, request, { controlPath: undefined, carry }, { logger, signal });
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe.each(['socks', 'handover'] as const)('a connection of our own through ssh, by %s', (carry) => {
  test('carries both ways, byte for byte, and the end of ours by itself', async () => {
    const transport = await connect(carry);
    await using destination = await openDestination((socket) => {
      void readToEnd(socket).then((bytes) => socket.end(bytes));
    });
    const socket = await transport.open({ host: 'localhost', port: destination.port }, signal);
    const sent = randomBytes(8 * 1024 * 1024);
    socket.end(sent);
    expect(digest(await readToEnd(socket))).toBe(digest(sent));
    if (!socket.closed) await once(socket, 'close');
    await transport.close();
  });
});
