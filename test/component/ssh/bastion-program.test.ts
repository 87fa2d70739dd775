import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveTarget } from '../../../src/ssh/config/target.ts';
import type { Ssh2Transport } from '../../../src/ssh/ssh2/connected-transport.ts';
import { openSsh2Transport } from '../../../src/ssh/ssh2/transport.ts';
import { recordingLogger } from '../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../support/in-process/scripted-prompter.ts';
import { until } from '../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../support/servers/loopback-sshd.ts';

let sshd: LoopbackSshd;
let key: string;
const { signal } = new AbortController();
const DEADLINE_MS = 15_000;

beforeAll(async () => {
  sshd = await startLoopbackSshd('SetEnv HOME=/nonexistent');
  key = await sshd.makeKey('user_key');
  await sshd.authorize(key);
  const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

async function connect(): Promise<Ssh2Transport> {
  const logger = recordingLogger();
  const target = await resolveTarget(sshd.request([key]), { logger, signal });
  const context = { logger, signal, prompter: NO_TERMINAL, mayOpenSession: false };
  return await openSsh2Transport(target, { ...context, beforeDial: async () => {} });
}

/** Runs a command, and keeps what it says. */
function run(transport: Ssh2Transport, command: string) {
  const said: Buffer[] = [];
  let over: { readonly why: string | undefined } | undefined;
  const program = transport.start(command, {
    said: (bytes) => said.push(Buffer.from(bytes)),
    over: (why) => {
      over = { why };
    },
  });
  return { program, text: () => Buffer.concat(said).toString(), over: () => over };
}

test('a program says and is told as much as there is, whatever a session’s window is at first', async () => {
  const transport = await connect();
  const { program, text, over } = run(transport, 'cat; echo over');
  const piece = Buffer.from(`${'x'.repeat(32_767)}\n`);
  let taken = 0;
  // Twelve windows.
  for (let sent = 0; sent < 96; sent += 1) {
    await until(() => program.send(piece), { deadlineMs: DEADLINE_MS, what: 'it is taken' });
    taken += piece.length;
  }
  await until(() => text().length === taken, { deadlineMs: DEADLINE_MS, what: () => `${text().length}` });
  expect(text()).toBe(piece.toString().repeat(96));
  program.close();
  expect(program.send(piece)).toBe(false);
  // Whoever has closed it is told nothing more.
  expect(over()).toBeUndefined();
  await transport.close();
});

test('what a program does not take is not kept', async () => {
  const transport = await connect();
  const { program, text, over } = run(transport, 'echo there; sleep 60');
  await until(() => text() === 'there\n', { deadlineMs: DEADLINE_MS, what: 'it runs' });
  let taken = 0;
  while (program.send(Buffer.alloc(1_400))) taken += 1_400;
  // Its pipe, the window of the session, and what waits here.
  expect(taken).toBeLessThan(8 * 1024 * 1024);
  for (let again = 0; again < 1_000; again += 1) program.send(Buffer.alloc(1_400));
  expect(over()).toBeUndefined();
  program.close();
  await transport.close();
});

test('what a program must get is kept for it', async () => {
  const transport = await connect();
  const { program, text } = run(transport, 'echo there; sleep 0.2; cat');
  await until(() => text() === 'there\n', { deadlineMs: DEADLINE_MS, what: 'it runs' });
  const piece = Buffer.alloc(1_400, 'x');
  while (program.send(piece));
  expect(program.send(piece)).toBe(false);
  program.write(Buffer.from('the last'));
  await until(() => text().endsWith('the last'), { deadlineMs: DEADLINE_MS, what: 'it has come' });
  program.close();
  await transport.close();
});

test('the end of a program is told, and that of the connection', async () => {
  const transport = await connect();
  const ended = run(transport, 'echo bye');
  const running = run(transport, 'echo there; exec cat');
  await until(() => ended.over() !== undefined && running.text() !== '', {
    deadlineMs: DEADLINE_MS,
    what: 'the end',
  });
  expect([ended.text(), ended.over()]).toEqual(['bye\n', { why: undefined }]);
  expect(running.over()).toBeUndefined();
  await transport.close();
  expect(running.over()).toEqual({ why: 'the connection ended' });
});

test('a key that forces a command runs no program', async () => {
  const authorized = join(sshd.directory, 'authorized_keys');
  const line = await readFile(authorized, 'utf8');
  await writeFile(authorized, `command="echo forced" ${line}`);
  const transport = await connect();
  const { over, text } = run(transport, 'cat');
  await until(() => over() !== undefined, { deadlineMs: DEADLINE_MS, what: 'a reason' });
  expect([over(), text()]).toEqual([{ why: 'the key may run one command only' }, '']);
  await transport.close();
  await writeFile(authorized, line);
});
