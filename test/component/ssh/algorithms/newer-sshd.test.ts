import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { ChannelMux } from '../../../../src/ssh/ssh2/channels/channel-mux.ts';
import { type ConnectedBastion, connectBastion } from '../../../../src/ssh/ssh2/connection/connect.ts';
import { attachChannelWire } from '../../../../src/ssh/ssh2/internals/channel-internals.ts';
import { carryFlow } from '../../../support/in-process/carry-flow.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { openSocketPair, readToEnd } from '../../../support/in-process/socket-pair.ts';
import { openDestination } from '../../../support/in-process/ssh2-pair.ts';
import { newerSshd, skipNewerSshd } from '../../../support/lab/newer-sshd.ts';
import type { SshdProgram } from '../../../support/lab/sshd.ts';
import { type LoopbackSshd, startSshdOf } from '../../../support/servers/loopback-sshd.ts';

const MLKEM = 'mlkem768x25519-sha256';

describe.skipIf(skipNewerSshd)('OpenSSH 9.9 and later', () => {
  let folder: string;
  let program: SshdProgram;
  let sshd: LoopbackSshd;
  let userKey: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tshuttle-newer-sshd-'));
    program = await newerSshd(folder);
    sshd = await startSshdOf(program, 'RekeyLimit 1M');
    userKey = await sshd.makeKey('user_key');
    await sshd.authorize(userKey);
    const key = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
    await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${key}\n`);
  });

  afterAll(async () => {
    await sshd[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function connect(server = sshd, ...options: string[]): Promise<ConnectedBastion> {
    const logger = recordingLogger();
    const { signal } = new AbortController();
    const target = await resolveTarget(server.request([userKey], ...options), { logger, signal });
    const context = { logger, prompter: NO_TERMINAL, signal, beforeDial: async () => {} };
    return await connectBastion(target, context);
  }

  test('agrees on ML-KEM with X25519, strict; both ways byte-exact through more than ten exchanges', async () => {
    const bastion = await connect();
    expect(bastion.algorithms).toMatchObject({ keyExchange: MLKEM, isStrict: true });
    const exchanges: string[] = [];
    bastion.client.on('handshake', ({ kex }) => exchanges.push(kex));
    const [up, down] = [randomBytes(8 * 1024 * 1024), randomBytes(8 * 1024 * 1024)];
    let received: Promise<Buffer> | undefined;
    await using destination = await openDestination((socket) => {
      received = readToEnd(socket);
      socket.end(down);
    });
    await using application = await openSocketPair();
    const mux = new ChannelMux((events) => attachChannelWire(bastion.client, bastion.socket, events));
    const summary = carryFlow(mux, application.accepted, { host: '127.0.0.1', port: destination.port });
    application.application.end(up);
    const answer = await readToEnd(application.application);
    const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(sha256(answer)).toBe(sha256(down));
    expect(sha256((await received) ?? Buffer.alloc(0))).toBe(sha256(up));
    expect(await summary).toMatchObject({ end: { kind: 'eof' } });
    expect(exchanges.length).toBeGreaterThan(10);
    expect(new Set(exchanges)).toEqual(new Set([MLKEM]));
    const closed = once(bastion.socket, 'close');
    bastion.client.end();
    await closed;
  });

  test('agrees on ML-KEM where that is all that the server has', async () => {
    await using strict = await startSshdOf(program, `KexAlgorithms ${MLKEM}`);
    await strict.authorize(userKey);
    const bastion = await connect(strict, 'StrictHostKeyChecking=accept-new');
    expect(bastion.algorithms).toMatchObject({ keyExchange: MLKEM, isStrict: true });
    expect(bastion.algorithms.postQuantumMissed).toBeUndefined();
    const closed = once(bastion.socket, 'close');
    bastion.client.end();
    await closed;
  });
});
