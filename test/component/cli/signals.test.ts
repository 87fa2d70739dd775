import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { until } from '../../support/process/until.ts';
import { type Behaviour, fakeCommand, Home } from './entry.ts';

const WORDS = ['-r', 'h', '10.0.0.0/8'];

test.each<[NodeJS.Signals, number]>([
  ['SIGTERM', 0],
  ['SIGHUP', 0],
  ['SIGINT', 130],
])('%s closes the tunnel and ends with %i', async (signal, code) => {
  await using home = await Home.make();
  const child = home.start(WORDS);
  await child.untilOutput(/pretending/);
  child.kill(signal);
  expect(await child.exited).toMatchObject({ code, signal: null });
  expect((await home.notes()).at(-1)).toBe('closed');
});

test.each<[NodeJS.Signals, number]>([
  ['SIGTERM', 0],
  ['SIGINT', 130],
])('%s while it connects ends with %i and without a message', async (signal, code) => {
  await using home = await Home.make();
  const child = home.start(WORDS, 'never');
  await until(async () => (await home.read('notes')) !== '', {
    deadlineMs: 10_000,
    what: () => 'the tunnel to open',
  });
  child.kill(signal);
  expect(await child.exited).toMatchObject({ code, stdout: '', stderr: '' });
  expect((await home.notes()).at(-1)).toBe('aborted');
});

test('Ctrl-C while --probe waits ends with 130, without the command and without a message', async () => {
  await using home = await Home.make();
  const child = home.start(['run', ...WORDS, '--probe', 'db:5432', '--', 'echo', 'ran']);
  await until(async () => (await home.notes()).includes('probed'), {
    deadlineMs: 30_000,
    what: () => 'the probe',
  });
  child.kill('SIGINT');
  const { code, stdout, stderr } = await child.exited;
  expect([code, stdout]).toEqual([130, '']);
  expect(stderr).not.toContain('error');
  expect((await home.notes()).at(-1)).toBe('closed');
}, 60_000);

test('further signals while it closes change nothing: the first request counts', async () => {
  await using home = await Home.make();
  const child = home.start(WORDS, 'slow-close');
  await child.untilOutput(/pretending/);
  child.kill('SIGINT');
  await until(async () => (await home.read('notes')).includes('closing'), {
    deadlineMs: 5_000,
    what: () => 'closing',
  });
  child.kill('SIGINT');
  child.kill('SIGTERM');
  expect(await child.exited).toMatchObject({ code: 130, signal: null });
  expect((await home.notes()).at(-1)).toBe('closed');
});

test('a close that hangs is given up after 5 s, and said so', async () => {
  await using home = await Home.make();
  const child = home.start(WORDS, 'stuck-close');
  await child.untilOutput(/pretending/);
  child.kill('SIGTERM');
  const { code, stderr } = await child.exited;
  expect(code).toBe(71);
  expect(stderr).toContain('tshuttle: could not end in order within 5 s -> the helper removes the rules');
});

test('a reader of its output that goes away does not end it', async () => {
  await using home = await Home.make();
  const behaviour: Behaviour = 'up';
  const [command = '', ...words] = fakeCommand([...WORDS, '-vv']);
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: home.environment(behaviour),
  });
  try {
    child.stdout.destroy();
    child.stderr.destroy();
    await until(async () => (await home.read('notes')).includes('up'), {
      deadlineMs: 10_000,
      what: () => 'up',
    });
    expect(child.exitCode).toBeNull();
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);
    expect((await home.notes()).at(-1)).toBe('closed');
  } finally {
    child.kill('SIGKILL');
  }
});
