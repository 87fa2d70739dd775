import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PidFile } from '../../../../src/daemon/files/pid-file.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tshuttle-pid-'));
  path = join(folder, 'a.pid');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('holds the process id and nothing else, and goes away', () => {
  const pidFile = PidFile.claim(path);
  expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
  expect(readdirSync(folder)).toEqual(['a.pid']);
  pidFile.release();
  pidFile.release();
  expect(readdirSync(folder)).toEqual([]);
});

test('is refused while a live process holds it open', async () => {
  const holder = spawn('sh', ['-c', `echo $$ > '${path}'; exec 3< '${path}'; echo held; exec sleep 60`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(holder.stdout, 'data');
    expect(() => PidFile.claim(path)).toThrow(
      expect.objectContaining({
        code: 'ERR_ALREADY_RUNNING',
        message: `already running with process id ${holder.pid} (pid file ${path})`,
        remedy: `stop it with: tshuttle down a; a second tunnel through the same bastion needs its own --pidfile`,
      }),
    );
    expect(readdirSync(folder)).toEqual(['a.pid']);
  } finally {
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  }
  PidFile.claim(path).release();
});

test('of a dead process is replaced, also when another process has got its id', () => {
  // Process 1 lives and does not hold the file.
  for (const left of ['1\n', '4194304\n', '']) {
    writeFileSync(path, left);
    const pidFile = PidFile.claim(path);
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
    expect(pidFile.deadPid).toBe(left === '' ? undefined : Number(left));
    pidFile.release();
  }
  const first = PidFile.claim(path);
  expect(first.deadPid).toBeUndefined();
  first.release();
});

test('of a dead process is replaced where its id was given to a process that is younger than the file', async () => {
  const other = spawn('sleep', ['60'], { stdio: 'ignore' });
  try {
    writeFileSync(path, `${other.pid}\n`);
    const anHourAgo = new Date(Date.now() - 3_600_000);
    utimesSync(path, anHourAgo, anHourAgo);
    const pidFile = PidFile.claim(path);
    expect(pidFile.deadPid).toBe(other.pid);
    pidFile.release();
  } finally {
    other.kill('SIGKILL');
    await once(other, 'exit');
  }
});

test('a file that is no pidfile is left alone', () => {
  writeFileSync(path, 'precious');
  expect(() => PidFile.claim(path)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  expect(readFileSync(path, 'utf8')).toBe('precious');
  expect(readdirSync(folder)).toEqual(['a.pid']);
});

test('a folder that is not there is told', () => {
  expect(() => PidFile.claim(join(folder, 'none', 'a.pid'))).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG', remedy: 'name another file with --pidfile' }),
  );
});

test('the file of a successor is not removed', () => {
  const pidFile = PidFile.claim(path);
  rmSync(path);
  writeFileSync(path, '77\n');
  pidFile.release();
  expect(readFileSync(path, 'utf8')).toBe('77\n');
});
