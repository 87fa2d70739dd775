// The outer half of the demo: makes the namespaces by starting the stage in them, and sees to it that nothing stays.
// There is no name and no file for a namespace: each lives as long as a process in it.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const STAGE = fileURLToPath(new URL('stage.mjs', import.meta.url));
const DEADLINE_MS = 60_000;

const isRoot = process.getuid?.() === 0;
// An ordinary user becomes root of a user namespace of their own, and of nothing else.
const unshare = isRoot ? ['unshare', '--net'] : ['unshare', '--user', '--map-root-user', '--net'];

function fail(message) {
  console.error(message);
  process.exit(1);
}

const trial = spawnSync(unshare[0], [...unshare.slice(1), 'ip', 'link', 'set', 'lo', 'up'], {
  encoding: 'utf8',
});
if (trial.status !== 0) {
  const reason = (trial.error?.message ?? trial.stderr).trim().split('\n')[0];
  const remedy = isRoot
    ? 'in a container, start it with --privileged'
    : 'unprivileged user namespaces are not allowed here; run: sudo npm run demo';
  fail(`the demo cannot make network namespaces (${reason}): ${remedy}`);
}

const folder = mkdtempSync(join(tmpdir(), 'tshuttle-demo-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

// The stage ends when its standard input does: also when this process is killed.
const stage = spawn(unshare[0], [...unshare.slice(1), process.execPath, STAGE, folder], {
  stdio: ['pipe', 'inherit', 'inherit'],
});
stage.on('error', (error) => fail(`the demo cannot start: ${error.message}`));
stage.stdin.on('error', () => {}); // it may end first
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stage.stdin.end());
setTimeout(() => {
  console.error(`the demo did not end within ${DEADLINE_MS / 1000} s`);
  stage.stdin.end();
}, DEADLINE_MS).unref();
stage.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + (signal === null ? 0 : 2);
  stage.stdin.destroy();
});
