import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mustRun, runCommand } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { fakeCommand, Home } from './entry.ts';
import { Terminal } from './terminal.ts';

const WORDS = ['-D', '-r', 'me@h', '10.0.0.0/8'];
const STATE = `${process.platform === 'win32' ? 'AppData/Local' : '.local/state'}/tshuttle`;
const LOG = `${STATE}/me@h.log`;
const PID_FILE = `${STATE}/me@h.pid`;

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  await until(() => !isAlive(pid), {
    deadlineMs: 10_000,
    what: () => `the end of process ${pid}`,
  });
}

/** Ends what a daemon test has started, by the id in its pidfile or notes. */
async function stop(pid: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (isAlive(pid)) process.kill(pid, signal);
  await gone(pid);
}

async function argumentsOf(pid: number): Promise<string> {
  return await mustRun(['ps', '-ww', '-o', 'args=', '-p', String(pid)]);
}

async function pidOf(home: Home): Promise<number> {
  return Number((await home.notes())[0]?.replace('opening ', ''));
}

test('returns 0 when the tunnel carries; the daemon outlives the terminal, and ends on SIGTERM', async () => {
  await using home = await Home.make();
  await using terminal = new Terminal(fakeCommand(WORDS), home.environment());
  expect(await terminal.ended()).toBe(0);
  const pid = await pidOf(home);
  try {
    expect(terminal.output).toContain(
      `tshuttle: pretending for h, process id ${pid}, log ${join(home.path, LOG)}; stop it with: tshuttle down me@h\r\n`,
    );
    // The terminal is gone by now, and its session has been sent SIGHUP.
    expect(isAlive(pid)).toBe(true);
    expect(await home.read(PID_FILE)).toBe(`${pid}\n`);
  } finally {
    await stop(pid);
  }
  expect((await home.notes()).at(-1)).toBe('closed');
  expect(existsSync(join(home.path, PID_FILE))).toBe(false);
  const lines = (await home.read(LOG))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string });
  expect(lines.map(({ msg }) => msg)).toEqual(['up: pretending for h', 'stopped as asked']);
});

test('a pipe on its output is released, so that whoever reads it sees the end', async () => {
  await using home = await Home.make();
  // `close` of the child comes only when nobody has its pipes any more.
  expect(await home.run(WORDS)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('pretending for h'),
  });
  await stop(await pidOf(home));
});

test('the log and its folder are for their user alone', async () => {
  await using home = await Home.make();
  await home.run(WORDS, 'refused');
  expect(statSync(join(home.path, LOG)).mode & 0o777).toBe(0o600);
  expect(statSync(join(home.path, STATE)).mode & 0o777).toBe(0o700);
});

test('a failure before that is on standard error, with its exit code', async () => {
  await using home = await Home.make();
  expect(await home.run(WORDS, 'refused')).toMatchObject({
    code: 77,
    stdout: '',
    stderr: 'tshuttle: me@bastion refused every key -> give one with -i\n',
  });
  expect(existsSync(join(home.path, PID_FILE))).toBe(false);
});

test('a failure after that is in the log, with what to do', async () => {
  await using home = await Home.make();
  expect((await home.run(WORDS)).code).toBe(0);
  const pid = await pidOf(home);
  await stop(pid, 'SIGUSR2');
  const last = (await home.read(LOG)).trimEnd().split('\n').at(-1) ?? '';
  expect(JSON.parse(last)).toMatchObject({
    level: 'error',
    msg: 'the bastion is gone',
    remedy: 'start again',
  });
  expect(existsSync(join(home.path, PID_FILE))).toBe(false);
});

test('the password is in nothing that the command says, nor in the log', async () => {
  await using home = await Home.make();
  const more = { TSHUTTLE_ARGS: '-r me:hush@h' };
  const result = await home.run(['-D', '10.0.0.0/8'], 'up', more);
  expect(result.code).toBe(0);
  const pid = await pidOf(home);
  try {
    expect(await argumentsOf(pid)).not.toContain('hush');
    expect(result.stdout + result.stderr + (await home.read(LOG))).not.toContain('hush');
  } finally {
    await stop(pid);
  }
});

test('the password is gone from the arguments of the command itself', async () => {
  await using home = await Home.make();
  const child = home.start(['-r', 'me:hush@h', '10.0.0.0/8']);
  await child.untilOutput(/pretending/);
  expect(await argumentsOf(child.pid)).not.toContain('hush');
  child.kill('SIGTERM');
  await child.exited;
});

test('a second one for the same bastion is refused and the first stays; with its own pidfile it runs', async () => {
  await using home = await Home.make();
  expect((await home.run(WORDS)).code).toBe(0);
  const first = await pidOf(home);
  try {
    expect(await home.run(WORDS)).toMatchObject({
      code: 64,
      stderr: expect.stringContaining(
        `tshuttle: already running with process id ${first} (pid file ${join(home.path, PID_FILE)})`,
      ),
    });
    expect(await home.read(PID_FILE)).toBe(`${first}\n`);
    const other = join(home.path, 'other.pid');
    expect((await home.run([...WORDS, '--pidfile', other])).code).toBe(0);
    await stop(Number(await home.read('other.pid')));
  } finally {
    await stop(first);
  }
});

test.each([
  ['', {}],
  [', with another state folder', { XDG_STATE_HOME: '/nonexistent' }],
])(
  'one that cron has started is found and ended from a terminal, and no second one starts%s',
  async (_title, more) => {
    await using home = await Home.make();
    const { XDG_RUNTIME_DIR: _, ...cron } = home.environment();
    expect(await runCommand(fakeCommand(WORDS), { env: cron })).toMatchObject({ code: 0 });
    const pid = await pidOf(home);
    try {
      expect(await home.run(['status'], 'up', more)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^\* me@h +up /m) as string,
      });
      expect(await home.run(WORDS, 'up', more)).toMatchObject({
        code: 64,
        stderr: expect.stringContaining(`already running with process id ${pid} `),
      });
      expect(await home.run(['down', 'me@h'], 'up', more)).toMatchObject({
        code: 0,
        stdout: 'tshuttle: me@h is down\n',
      });
      await gone(pid);
    } finally {
      await stop(pid);
    }
  },
);

test('a name that no tunnel has is an error with the nearest one; one that is over keeps its log', async () => {
  await using home = await Home.make();
  expect((await home.run([...WORDS, '--pidfile', join(home.path, 'office.pid')])).code).toBe(0);
  const pid = await pidOf(home);
  const profile = 'profiles:\n  stage:\n    remote: h\n    subnets: [10.1.0.0/16]\n';
  mkdirSync(join(home.path, '.config', 'tshuttle'), { recursive: true });
  writeFileSync(join(home.path, '.config', 'tshuttle', 'config.yaml'), profile);
  const unknown = (command: string) => ({
    code: 64,
    stderr: `tshuttle: ofice is neither a tunnel nor a profile -> perhaps tshuttle ${command} office\n`,
  });
  try {
    const misspelt = ['down', 'logs', 'login', 'reload', 'status', 'is-up', 'top'].map(async (command) => {
      expect(await home.run([command, 'ofice'])).toMatchObject(unknown(command));
    });
    await Promise.all(misspelt);
    expect((await home.run(['up'])).stderr).toMatch(/up stage\n {4}how it is used: tshuttle up -h\n$/);
    const profiles = [
      ['up', 'stge'],
      ['restart', 'stge'],
      ['explain', 'db:1', 'stge'],
      // Nothing is installed on Windows, whatever it is.
      ...(process.platform === 'win32' ? [] : [['service', 'install', 'stge']]),
    ];
    for (const { stderr } of await Promise.all(profiles.map((words) => home.run(words)))) {
      expect(stderr).toContain('stge: is not a profile; perhaps stage\n');
    }
    expect((await home.run(['run', 'ofice', '--', 'true'])).stderr).toContain(
      'ofice: is not a profile; perhaps office\n',
    );
    expect((await home.run(['stage'])).stderr).toContain('stage: is a profile; write tshuttle up stage');
    expect((await home.run(['-r', 'stage'])).stderr).toContain(
      '-r stage: is taken for a host, but a profile has the same name; start that with tshuttle up stage',
    );
    expect((await home.run(['help', 'logs'])).stdout).toMatch(/^Usage: tshuttle logs /);
    expect((await home.run(['help', 'recipe'])).stderr).toContain('perhaps tshuttle help recipes');
    expect(await home.run(['down', 'office', 'ofice'])).toMatchObject({
      ...unknown('down'),
      stdout: 'tshuttle: office is down\n',
    });
  } finally {
    await stop(pid);
  }
  expect(await home.run(['down', 'office', 'stage'])).toMatchObject({
    code: 0,
    stdout: 'tshuttle: office is down already\ntshuttle: stage is down already\n',
  });
  expect((await home.run(['logs', 'office'])).stdout).toContain('stopped as asked');
  expect(await home.run(['logs', 'stage'])).toMatchObject({
    code: 64,
    stderr: 'tshuttle: stage has no log: it was never up in the background -> start it: tshuttle up stage\n',
  });
  expect((await home.run(['login', 'office'])).stderr).toContain('office is not up any more');
  // Nothing is up: what could be, and what was.
  expect((await home.run(['is-up', 'office'])).stderr).toBe(
    'tshuttle: office is not up any more -> what it has logged: tshuttle logs office\n',
  );
  expect((await home.run(['logs', '-f'])).stderr).toBe(
    'tshuttle: no tunnel is up in the background -> the log of before: tshuttle logs office\n',
  );
}, 60_000);

test('up -q and down -q say and log nothing where all is well, and what is wrong all the same', async () => {
  await using home = await Home.make();
  const folder = join(home.path, '.config', 'tshuttle');
  mkdirSync(folder, { recursive: true });
  const profile = 'profiles:\n  stage:\n    remote: h\n    subnets: [10.1.0.0/16]\n';
  writeFileSync(join(folder, 'config.yaml'), profile, { mode: 0o600 });
  const silence = { code: 0, stdout: '', stderr: '' };
  try {
    expect(await home.run(['up', 'stage', '-q'])).toMatchObject(silence);
    expect(await home.run(['up', 'stage', '--quiet'])).toMatchObject(silence);
    expect((await home.run(['up', 'stage'])).stdout).toContain('stage is up already');
    // It warns, as the tunnel of this test does, of which a log is not quiet.
    expect((await home.run(['logs', 'stage'])).stdout).toBe('');
  } finally {
    expect(await home.run(['down', 'stage', '-q'])).toMatchObject(silence);
  }
  expect(await home.run(['down', 'stage', '--quiet'])).toMatchObject(silence);
  expect((await home.run(['down', 'stge', '-q'])).stderr).toContain('perhaps tshuttle down stage');
  expect((await home.run(['up', 'stge', '-q'])).stderr).toContain('stge: is not a profile; perhaps stage');
  expect(await home.run(['up', 'stage', '-q'], 'refused')).toMatchObject({
    ...{ code: 77, stdout: '' },
    stderr: expect.stringContaining('refused every key') as string,
  });
}, 60_000);

test('what it was told by relative paths holds', async () => {
  await using home = await Home.make();
  writeFileSync(join(home.path, 'key'), '');
  const words = [...WORDS, '-i', 'key', '-o', 'UserKnownHostsFile=known_hosts', '--pidfile', 'd.pid'];
  const command = ['sh', '-c', 'cd "$HOME" && exec "$@"', 'sh', ...fakeCommand(words)];
  expect(await runCommand(command, { env: home.environment() })).toMatchObject({ code: 0 });
  const pid = Number(await home.read('d.pid'));
  try {
    expect(pid).toBe(await pidOf(home));
    expect(await home.notes()).toContain(
      `files ["${join(home.path, 'key')}"] ["UserKnownHostsFile=${join(home.path, 'known_hosts')}"]`,
    );
  } finally {
    await stop(pid);
  }
});

test('the daemon has left session, terminal and folder, has no password in its environment, and leaves no core file', async () => {
  await using home = await Home.make();
  const script = 'ulimit -c unlimited && cd "$HOME" && exec "$@"';
  const words = ['sh', '-c', script, 'sh', ...fakeCommand(['-D', '10.0.0.0/8', '--pidfile', 'd.pid'])];
  await using terminal = new Terminal(words, home.environment('up', { TSHUTTLE_ARGS: '-r me:hush@h' }));
  expect(await terminal.ended()).toBe(0);
  const pid = Number(await home.read('d.pid'));
  try {
    const session = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3];
    expect(session).toBe(String(pid));
    const targetOf = (descriptor: string): string => readlinkSync(`/proc/${pid}/fd/${descriptor}`);
    const targets = (await readdir(`/proc/${pid}/fd`)).map(targetOf);
    expect(targets.filter((target) => /^\/dev\/(?:pts|tty)/.test(target))).toEqual([]);
    expect(['0', '1', '2'].map(targetOf)).toEqual(['/dev/null', '/dev/null', '/dev/null']);
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
    expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).not.toContain('hush');
    expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/^Max core file size +0 +unlimited/m);
  } finally {
    await stop(pid);
  }
});

test('the command of run keeps its own core limit, in the folder where it was started; we have none', async () => {
  await using home = await Home.make();
  // Ours is put back when the command has been started, which may be told of it later than it runs.
  const ours = 'grep "core file size *0 *unlimited" /proc/$PPID/limits';
  const inside = `ulimit -c; pwd; for i in $(seq 100); do ${ours} && exit; sleep 0.05; done; cat /proc/$PPID/limits`;
  const words = fakeCommand(['run', '-r', 'h', '10.0.0.0/8', '--', 'sh', '-c', inside]);
  const script = 'ulimit -c unlimited && cd "$HOME" && exec "$@"';
  const { stdout } = await runCommand(['sh', '-c', script, 'sh', ...words], { env: home.environment() });
  expect(stdout).toMatch(new RegExp(`^unlimited\n${home.path}\nMax core file size +0 +unlimited`));
});

test('a folder that is gone is no reason to fail', async () => {
  await using home = await Home.make();
  const gone = join(home.path, 'gone');
  mkdirSync(gone);
  const words = fakeCommand(['status']);
  const result = await runCommand(['sh', '-c', `cd ${gone} && rmdir ${gone} && exec "$@"`, 'sh', ...words], {
    env: home.environment(),
  });
  expect(result).toMatchObject({ code: 4, stdout: expect.stringMatching(/^no tunnel is up -> /) });
});

test('one is found after the end of the session that it was started in', async () => {
  await using home = await Home.make();
  expect((await home.run(WORDS)).code).toBe(0);
  const pid = await pidOf(home);
  try {
    // What systemd-logind does with /run/user/UID.
    rmSync(join(home.path, 'run'), { recursive: true });
    await until(async () => (await home.run(['status'])).stdout.includes('me@h'), {
      deadlineMs: 10_000,
      what: () => 'the tunnel in status',
    });
    expect((await home.run(WORDS)).code).toBe(64);
    expect((await home.run(['down', 'me@h'])).stdout).toBe('tshuttle: me@h is down\n');
  } finally {
    await stop(pid);
  }
});

test.skipIf(process.geteuid?.() !== 0)(
  'root makes nothing in the home that sudo -E has left it',
  async () => {
    await using home = await Home.make();
    const alice = 12_345;
    chownSync(home.path, alice, alice);
    chownSync(join(home.path, 'run'), alice, alice);
    const state = join(home.path, 'state');
    const env = home.environment('up', {
      XDG_STATE_HOME: state,
      SUDO_USER: 'alice',
      FAKE_NOTES: '/dev/null',
    });
    const command = fakeCommand([...WORDS, '--log-format', 'json'])
      .map((word) => `'${word}'`)
      .join(' ');
    // Root's own home is empty here, and goes away with the namespace.
    const script = `mount -t tmpfs none ${userInfo().homedir} && ${command} && cd ~root && find . && ${command}`;
    const first = await runCommand(['unshare', '--mount', 'sh', '-c', script], { env });
    const pid = Number(/process id (\d+)/.exec(first.stdout)?.[1]);
    try {
      expect(first).toMatchObject({
        code: 64,
        stdout: expect.stringContaining('./.local/state/tshuttle/me@h.log\n'),
      });
      expect(first.stderr).toContain(`already running with process id ${pid} `);
      expect(first.stderr).toMatch(/sudo: runs as root: .* are root's.* alice's/);
      expect(readdirSync(home.path)).toEqual(['run']);
      expect(readdirSync(join(home.path, 'run'))).toEqual([]);
    } finally {
      await stop(pid);
    }
  },
);

test('after SIGKILL the next one starts', async () => {
  await using home = await Home.make();
  expect((await home.run(WORDS)).code).toBe(0);
  await stop(await pidOf(home), 'SIGKILL');
  expect((await home.run(WORDS)).code).toBe(0);
  await stop(Number(await home.read(PID_FILE)));
});

test('SIGHUP does not end it, it reopens the log', async () => {
  await using home = await Home.make();
  expect((await home.run(WORDS)).code).toBe(0);
  const pid = await pidOf(home);
  const log = join(home.path, LOG);
  try {
    renameSync(log, `${log}.moved`);
    process.kill(pid, 'SIGHUP');
    await until(() => existsSync(log), { deadlineMs: 10_000, what: () => 'a new log' });
  } finally {
    await stop(pid);
  }
  expect(await home.read(LOG)).toContain('stopped as asked');
});

test.each<NodeJS.Signals>(['SIGTERM', 'SIGINT', 'SIGKILL'])(
  '%s to the command before it is ready ends the daemon too',
  async (signal) => {
    await using home = await Home.make();
    const child = home.start(WORDS, 'never');
    await until(async () => (await home.read('notes')) !== '', {
      deadlineMs: 10_000,
      what: () => 'the opening',
    });
    const pid = await pidOf(home);
    child.kill(signal);
    const { code, stderr } = await child.exited;
    expect([code, stderr]).toEqual([signal === 'SIGKILL' ? null : 130, '']);
    await gone(pid);
    expect((await home.notes()).at(-1)).toBe('aborted');
    expect(existsSync(join(home.path, PID_FILE))).toBe(false);
  },
);

test('Ctrl-C on the terminal before it is ready ends both', async () => {
  await using home = await Home.make();
  await using terminal = new Terminal(fakeCommand(WORDS), home.environment('never'));
  await until(async () => (await home.read('notes')) !== '', {
    deadlineMs: 10_000,
    what: () => 'the opening',
  });
  terminal.type('\u0003');
  expect(await terminal.ended()).toBe(130);
  await gone(await pidOf(home));
});

test('questions come on the terminal of the command', async () => {
  await using home = await Home.make();
  await using terminal = new Terminal(fakeCommand(WORDS), home.environment('ask'));
  await terminal.untilShown('Password: ');
  terminal.type('hush\r');
  await terminal.untilShown('Continue (yes/no)? ');
  terminal.type('yes\r');
  expect(await terminal.ended()).toBe(0);
  expect(await home.notes()).toContain('answers [true,"hush","yes"]');
  await stop(await pidOf(home));
});
