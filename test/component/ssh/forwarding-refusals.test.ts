import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Flow, redirectedFlow } from '../../../src/net/flow.ts';
import { resolveTarget } from '../../../src/ssh/config/target.ts';
import type { Ssh2Transport } from '../../../src/ssh/ssh2/connected-transport.ts';
import { openSsh2Transport } from '../../../src/ssh/ssh2/transport.ts';
import { FlowTable } from '../../../src/tunnel/flows/flow-table.ts';
import { type RecordingLogger, recordingLogger } from '../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../support/in-process/scripted-prompter.ts';
import { openSocketPair } from '../../support/in-process/socket-pair.ts';
import { openDestination } from '../../support/in-process/ssh2-pair.ts';
import { until } from '../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../support/servers/loopback-sshd.ts';

const { signal } = new AbortController();
let sshd: LoopbackSshd;
let userKey: string;
let logger: RecordingLogger;
let transport: Ssh2Transport;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  userKey = await sshd.makeKey('user_key');
});

afterEach(async () => {
  await transport.close();
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

/** Connects with these options of the key and these lines of the server. */
async function connect(keyOptions: string, ...lines: string[]): Promise<FlowTable> {
  logger = recordingLogger();
  await sshd.reconfigure(...lines);
  const publicKey = await readFile(`${userKey}.pub`, 'utf8');
  await writeFile(join(sshd.directory, 'authorized_keys'), `${keyOptions}${publicKey}`);
  const target = await resolveTarget(sshd.request([userKey], 'StrictHostKeyChecking=accept-new'), {
    logger,
    signal,
  });
  const context = { logger, prompter: NO_TERMINAL, signal, mayOpenSession: false };
  transport = await openSsh2Transport(target, { ...context, beforeDial: async () => {} });
  return new FlowTable(transport, logger);
}

async function flowTo(port: number): Promise<Flow> {
  const { accepted } = await openSocketPair();
  const loopback = { family: 4, address: '127.0.0.1' } as const;
  return redirectedFlow(accepted, { ...loopback, port }, { ...loopback, port: 1 });
}

const warnings = (): readonly string[] =>
  logger.lines.filter((line) => line.startsWith('warn the bastion prohibits'));

async function untilWarned(count: number): Promise<void> {
  await until(() => warnings().length >= count, { deadlineMs: 10_000, what: () => logger.lines.join('\n') });
}

test.each([
  [
    'AllowTcpForwarding no',
    '',
    /does not tell which.*AllowTcpForwarding yes.*DisableForwarding.*127\.0\.0\.1:9 in that$/,
  ],
  [
    'DisableForwarding yes',
    '',
    /does not tell which.*AllowTcpForwarding yes.*DisableForwarding.*127\.0\.0\.1:9 in that$/,
  ],
  ['PermitOpen 127.0.0.1:10', '', /does not tell which.*127\.0\.0\.1:9 in that$/],
  ['', 'restrict ', /options of your key do not allow it \(\S+\/authorized_keys:1\)/],
  ['', 'no-port-forwarding ', /options of your key do not allow it \(\S+\/authorized_keys:1\)/],
  [
    '',
    'permitopen="127.0.0.1:10" ',
    /your key has permitopen \(\S+\/authorized_keys:1\).*permitopen="127\.0\.0\.1:9"/,
  ],
])('%s, the key %j: one line that says what is known', async (line, keyOptions, expected) => {
  const flows = await connect(keyOptions, ...(line === '' ? [] : [line]));
  flows.accept(await flowTo(9));
  flows.accept(await flowTo(9));
  await untilWarned(1);
  await until(() => flows.totals().now === 0, { deadlineMs: 10_000, what: 'both are over' });
  expect(warnings()).toEqual([expect.stringMatching(expected)]);
  await expect(transport.open({ host: '127.0.0.1', port: 9 }, signal)).rejects.toMatchObject({
    code: 'ERR_CHANNEL_REFUSED',
    message: expect.stringContaining('prohibits a connection to 127.0.0.1:9: '),
  });
});

test('a destination that merely refuses shows that it is PermitOpen; each destination is told once', async () => {
  const flows = await connect('', 'PermitOpen 127.0.0.1:1');
  flows.accept(await flowTo(1));
  await until(() => flows.totals().now === 0, { deadlineMs: 10_000, what: 'the refused one is over' });
  for (const port of [9, 10, 9]) flows.accept(await flowTo(port));
  await untilWarned(2);
  await until(() => flows.totals().now === 0, { deadlineMs: 10_000, what: 'all are over' });
  const because = 'it forwards to 127.0.0.1:1, so it permits some destinations only; ask for';
  expect(warnings()).toHaveLength(2);
  expect(warnings().join('\n')).toContain(`${because} 127.0.0.1:9 in PermitOpen`);
  expect(warnings().join('\n')).toContain(`${because} 127.0.0.1:10 in PermitOpen`);
});

test('so does one that is open at the time', async () => {
  await using echo = await openDestination((socket) => socket.pipe(socket));
  const flows = await connect('', `PermitOpen 127.0.0.1:${echo.port}`);
  const { accepted, application } = await openSocketPair();
  flows.accept({ ...(await flowTo(echo.port)), accepted });
  application.write('hello');
  await new Promise((resolve) => application.once('data', resolve));
  flows.accept(await flowTo(9));
  await untilWarned(1);
  expect(warnings()).toEqual([expect.stringContaining(`it forwards to 127.0.0.1:${echo.port}`)]);
  application.destroy();
});
