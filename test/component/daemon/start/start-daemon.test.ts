import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startDaemon } from '../../../../src/daemon/start/start-daemon.ts';
import { until } from '../../../support/process/until.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tshuttle-start-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const NOBODY = { available: false, ask: () => Promise.resolve(undefined), show: () => {} };

/** What a program in the place of the daemon comes to. */
async function start(program: string, signal: AbortSignal) {
  const script = join(folder, 'daemon.mjs');
  await writeFile(script, program);
  return await startDaemon([], { script, environment: process.env, signal, asker: NOBODY });
}

// Without koffi, and on Windows, it says by pipes what it says.
test('a start that is stopped is over when the daemon has ended', async () => {
  const stop = new AbortController();
  const there = join(folder, 'there');
  const started = start(
    `import { writeFileSync } from 'node:fs';
     process.on('disconnect', () => process.exit(0));
     process.on('message', () => writeFileSync(${JSON.stringify(there)}, ''));`,
    stop.signal,
  );
  await until(() => existsSync(there), { deadlineMs: 10_000, what: 'the daemon has its orders' });
  stop.abort();
  expect(await started).toEqual({ kind: 'stopped' });
});

test('a daemon that ends before it is ready tells why by its exit code', async () => {
  const { signal } = new AbortController();
  expect(await start('process.exit(77);', signal)).toEqual({ kind: 'ended', exitCode: 77 });
  await expect(start("process.kill(process.pid, 'SIGKILL');", signal)).rejects.toMatchObject({
    code: 'ERR_INTERNAL',
    message: 'the daemon was ended by SIGKILL while it started',
  });
});
