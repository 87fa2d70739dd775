import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endScript, processesOfScript } from '../../../../src/daemon/service/cron/cron-processes.ts';
import {
  profilesOfStartScript,
  renderStartScript,
} from '../../../../src/daemon/service/cron/start-script.ts';
import { until } from '../../../support/process/until.ts';

/* The script that cron starts at boot, by a real shell, with another program for tshuttle. */

let folder: string;
let started: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tshuttle boot's-"));
});
afterEach(() => {
  started?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const calls = (): readonly string[] => {
  const path = join(folder, 'calls');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
};

/** @param body of the program in place of Node.js: its words are `$script up NAME...` */
function start(body: string): { readonly script: string; readonly process: ChildProcess } {
  const [nodePath, script] = [join(folder, 'node'), join(folder, 'start-at-boot')];
  writeFileSync(nodePath, `#!/bin/sh\necho "$*" >>'${folder.replaceAll("'", "'\\''")}/calls'\n${body}\n`, {
    mode: 0o755,
  });
  const text = renderStartScript({ nodePath, script: '/x' }, ['office', 'lab'], {
    logFile: join(folder, 'log'),
    variables: { XDG_CONFIG_HOME: folder, XDG_STATE_HOME: undefined },
  });
  writeFileSync(script, text);
  expect(profilesOfStartScript(script)).toEqual(['office', 'lab']);
  // As cron does.
  started = spawn('/bin/sh', [script], { stdio: 'ignore', env: { PATH: '/usr/bin:/bin' } });
  return { script, process: started };
}

test('starts all at once, and ends', async () => {
  const { process } = start('echo "$XDG_CONFIG_HOME, $XDG_STATE_HOME"; exit 0');
  expect(await once(process, 'exit')).toEqual([0, null]);
  expect(calls()).toEqual(['/x up office lab']);
  expect(readFileSync(join(folder, 'log'), 'utf8')).toBe(`${folder}, \n`);
});

test('tries each alone where not all went up, and not again what another try cannot mend', async () => {
  const { process } = start(
    'case "$3$4" in officelab) exit 68 ;; office) exit 0 ;; *) echo refused >&2; exit 77 ;; esac',
  );
  expect(await once(process, 'exit')).toEqual([0, null]);
  expect(calls()).toEqual(['/x up office lab', '/x up office', '/x up lab']);
  expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('refused\n');
});

test.each([
  ['while it starts them', 'trap \'kill "$!"; echo >"$0.ended"; exit 0\' TERM; sleep 60 & wait', 1],
  ['while it waits for another try', 'exit 68', 3],
])('ends when it is told to, %s, and what it has started ends first', async (_when, body, tries) => {
  const { script, process } = start(body);
  await until(async () => calls().length >= tries, {
    deadlineMs: 15_000,
    what: () => `${tries} tries; ${calls().length} were`,
  });
  expect(await processesOfScript(script)).toEqual([process.pid]);
  const ended = once(process, 'exit');
  await endScript(script);
  expect(await ended).toEqual([0, null]);
  expect(existsSync(join(folder, 'node.ended'))).toBe(tries === 1);
  await endScript(script);
});
