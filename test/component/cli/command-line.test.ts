import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemWords } from '../../../src/core/systems/system-words.ts';
import { runCommand } from '../../support/process/child.ts';
import { type Behaviour, Home, runReal } from './entry.ts';

describe('bin/tshuttle', () => {
  test('prints help and version on standard output', async () => {
    const help = await runReal(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('Usage: tshuttle -r [USER@]HOST[:PORT] [options] SUBNET...');
    expect(await runReal(['-V'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^tshuttle \d/),
    });
  });

  test.each<[readonly string[], RegExp]>([
    [
      ['db.example:5432'],
      /^UNTRIED {2}destination: db\.example:5432: not tried, because no bastion was named$/m,
    ],
    [
      ['-r', 'me@127.0.0.1:1', 'db.example'],
      /^UNTRIED {2}destination: db\.example: not tried, because it has no port$/m,
    ],
    [
      ['-r', 'me@127.0.0.1:1', 'db:5432'],
      /^UNTRIED {2}destination: db:5432: not tried, because the bastion is not reached$/m,
    ],
  ])(
    'doctor %j says what was not tried, and does not end with 0',
    async (words, said) => {
      const { code, stdout } = await runReal(['doctor', ...words]);
      expect(stdout).toMatch(said);
      expect(stdout).toMatch(/1 not tried\n$/);
      expect(code).toBe(/\d problem/.test(stdout) ? 1 : 2);
    },
    60_000,
  );

  test.each<[string, readonly string[], number, string]>([
    [
      'no subnet',
      ['-r', 'h'],
      64,
      systemWords().redirector === undefined
        ? 'tshuttle: SUBNET: is missing; say what to serve instead, as in --socks 1080; only run --rootless has use of one here, as in 10.0.0.0/24\n'
        : 'tshuttle: SUBNET: is missing; say what to capture, as in 10.0.0.0/24, or 0/0 for every IPv4 address\n',
    ],
    [
      'a bad subnet',
      ['-r', 'h', '10.0.0.0/33'],
      64,
      'tshuttle: 10.0.0.0/33: has the prefix length 33, but IPv4 has at most 32\n',
    ],
    [
      'a bad port range',
      ['-r', 'h', '0/0:9-8'],
      64,
      'tshuttle: 0/0:9-8: has a port range that runs backwards; write 8-9\n',
    ],
    [
      'no bastion',
      ['10.0.0.0/8'],
      64,
      'tshuttle: -r: is missing; name the bastion, as in -r user@bastion.example.com\n',
    ],
    ['an unknown option', ['--nope'], 64, 'tshuttle: --nope: is not an option\n'],
    [
      'a missing argument file',
      ['@/nonexistent'],
      78,
      'tshuttle: @/nonexistent: cannot be read: there is no such file\n',
    ],
    [
      'a missing subnet file',
      ['-r', 'h', '-s', '/nonexistent'],
      78,
      'tshuttle: -s /nonexistent: cannot be read: there is no such file\n',
    ],
  ])('%s: one clear message and the exit code', async (_name, words, code, message) => {
    expect(await runReal(words)).toMatchObject({
      code,
      stdout: '',
      stderr: code === 64 ? `${message}    how it is used: tshuttle -h\n` : message,
    });
  });

  test('with --log-format json every line on standard error is JSON: problems, warnings, failures', async () => {
    const json = ['--log-format', 'json'];
    const linesOf = async (words: readonly string[]): Promise<unknown[]> =>
      (await runReal([...words, ...json])).stderr
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown);
    expect(await linesOf(['--nope'])).toMatchObject([
      { level: 'error', msg: '--nope: is not an option', code: 'ERR_USAGE' },
    ]);
    expect(await linesOf(['-r', 'h', '-s', '/nonexistent'])).toMatchObject([{ code: 'ERR_CONFIG' }]);
    const dryRun = ['--dry-run', '--disable-ipv6', '-r', 'me:hush@127.0.0.1', '::/0'];
    expect(await linesOf(dryRun)).toMatchObject([
      { level: 'warn', msg: expect.stringMatching(/^-r me:\*\*\*@127\.0\.0\.1: other users/) },
      { level: 'error', msg: expect.stringMatching(/^nothing is left/), code: 'ERR_CONFIG' },
    ]);
  });

  test('warnings about the command line take the way of the log', async () => {
    const words = ['--dry-run', '--pidfile', 'p', '-r', '127.0.0.1', '10.0.0.0/8'];
    expect(JSON.parse((await runReal(words)).stderr)).toMatchObject({ level: 'warn' });
    expect((await runReal([...words, '--log-format', 'text'])).stderr).toMatch(
      /WARN: --pidfile p: has no effect without -D\n$/,
    );
    // Whatever reads a configuration tells of them, and what it prints stays as it is.
    const explain = ['explain', '10.0.0.8:1', '--pidfile', 'p', '-r', '127.0.0.1', '10.0.0.0/8'];
    const explained = await runReal(explain);
    expect(JSON.parse(explained.stderr)).toMatchObject({
      level: 'warn',
      msg: expect.stringMatching(/^--pidfile p: /),
    });
    expect(explained.stdout).toMatch(/^10\.0\.0\.8:1: captured by 10\.0\.0\.0\/8\n/);
  });

  test('a page that is longer than a pipe takes at once is whole, however slow its reader is', async () => {
    await using home = await Home.make();
    const [command = '', ...words] = [process.execPath, 'bin/tshuttle', 'man'];
    const env = home.environment('up');
    const direct = await runCommand(
      ['sh', '-c', '"$@" > "$HOME/page"; cat "$HOME/page"', 'sh', command, ...words],
      { env },
    );
    expect(direct.stdout.length).toBeGreaterThan(80_000);
    // It reads once the command has had the time to end, which it must not.
    const slow = await runCommand(['sh', '-c', '"$@" | { sleep 1; cat; }', 'sh', command, ...words], { env });
    expect(slow.stdout).toBe(direct.stdout);
  });

  test('a password in a wrong argument is not repeated', async () => {
    const { stderr } = await runReal(['-r', 'me:hush@h:0', '--remot=me:hush@h', '0/0']);
    expect(stderr).not.toContain('hush');
    expect((await runReal(['-r', 'me:hush@h:0', '0/0'])).stderr).toContain('-r me:***@h:0: 0 is no port');
  });

  test('--dry-run prints rules that exempt the bastion, without root and without connecting', async () => {
    const env = { TSHUTTLE_ARGS: '-r me@127.0.0.1:9' };
    const result = await runReal(['--dry-run', '-s', '-', '-x', '10.1.0.0/16'], {
      env,
      stdin: '10.0.0.0/8:443 # web\n',
    });
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('127.0.0.1 . 9,');
    expect(result.stdout).toMatch(/^# PID-STARTED-NAMESPACE stands for /m);
    expect(result.stdout).toContain('th dport 443 ip daddr vmap');
    expect((await runReal(['--dry-run', '--method', 'iptables', '10.0.0.0/8'], { env })).stdout).toContain(
      '*nat',
    );
  });

  test('the arguments of sshuttle mean the same, also those of SSHUTTLE_ARGS', async () => {
    const env = { SSHUTTLE_ARGS: '-x 10.9.0.0/16 --meth nat --python 10.8.0.0/16' };
    const result = await runReal(['--dry-run', '-r', 'me@127.0.0.1:9', '10.0.0.0/8'], { env });
    expect(result).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('--python: without effect') as string,
    });
    expect(result.stdout).toContain('*nat');
    expect(result.stdout).toContain('10.9.0.0/16');
    expect(result.stdout).not.toContain('10.8.0.0');
    const both = await runReal(['--dry-run', '10.0.0.0/8'], {
      env: { ...env, TSHUTTLE_ARGS: '-r me@127.0.0.1:9' },
    });
    expect(both.stdout).not.toContain('10.9.0.0/16');
  });
});

describe('the command', () => {
  test('cleanup says what it removed and what it kept', async () => {
    await using home = await Home.make();
    expect(await home.run(['cleanup'], 'up', { TSHUTTLE_ARGS: '-r h 0/0' })).toMatchObject({
      code: 0,
      stdout:
        'tshuttle: removed nft table inet tshuttle-1\n' +
        'tshuttle: kept nft table inet tshuttle-2 (its instance is running)\n',
    });
  });

  test('explain says what decides, with the options of TSHUTTLE_ARGS too', async () => {
    await using home = await Home.make();
    const explained = await home.run(['explain', '10.1.2.3:443', '-x', '10.1.0.0/16'], 'up', {
      TSHUTTLE_ARGS: '-r 198.51.100.7 10.0.0.0/8 10.1.2.0/24:443',
    });
    expect(explained).toMatchObject({ code: 0, stdout: '10.1.2.3:443: captured by 10.1.2.0/24:443\n' });
    const name = await home.run([
      'explain',
      'db.internal.example',
      '-r',
      '198.51.100.7',
      '--domain',
      'internal.example',
    ]);
    expect(name).toMatchObject({ code: 0 });
    expect(name.stdout).toContain('--domain internal.example: an address of 198.18.0.0/15 stands for it');
  });

  test('an expected failure is told without a stack, a bug with one', async () => {
    await using home = await Home.make();
    expect(await home.run(['-r', 'h', '10.0.0.0/8'], 'refused')).toMatchObject({
      code: 77,
      stdout: '',
      stderr: 'tshuttle: me@bastion refused every key -> give one with -i\n',
    });
    const bug = await home.run(['-r', 'h', '10.0.0.0/8'], 'bug');
    expect(bug.code).toBe(70);
    expect(bug.stderr).toMatch(
      /^tshuttle: internal error; please report it with these lines:\n {4}Error: a bug\n {8}at /,
    );
  });

  test('a bug after the start closes the tunnel before the end', async () => {
    await using home = await Home.make();
    expect(await home.run(['-r', 'h', '0/0'], 'late-bug')).toMatchObject({ code: 70 });
    expect((await home.notes()).slice(-2)).toEqual(['closing', 'closed']);
  });

  test('a lost tunnel is closed, and its reason is the exit code', async () => {
    await using home = await Home.make();
    expect(await home.run(['-r', 'h', '0/0'], 'lost')).toMatchObject({
      code: 75,
      stderr: expect.stringContaining('tshuttle: the bastion is gone -> start again\n'),
    });
    expect((await home.notes()).at(-1)).toBe('closed');
  });

  test('--on-event hears of both, and that it does not work changes nothing', async () => {
    const note =
      'echo "$TSHUTTLE_EVENT $TSHUTTLE_NAME: $TSHUTTLE_MESSAGE -> $TSHUTTLE_REMEDY" >>"$HOME/events"';
    const hear = async (behaviour: Behaviour, command: string) => {
      await using home = await Home.make();
      const { code, stderr } = await home.run(['-r', 'h', '0/0', '--on-event', command], behaviour);
      return { code, stderr, heard: await home.read('events'), last: (await home.notes()).at(-1) };
    };
    const [lost, refused, bug, failing] = await Promise.all([
      hear('lost', note),
      hear('refused', note),
      hear('late-bug', note),
      hear('lost', 'echo sorry; exit 3'),
    ]);
    const up = 'up h: pretending for h -> \n';
    expect(lost).toMatchObject({
      code: 75,
      heard: `${up}given-up h: the bastion is gone -> start again\n`,
    });
    // No terminal was there to show it.
    expect(refused).toMatchObject({
      code: 77,
      heard: 'given-up h: me@bastion refused every key -> give one with -i\n',
    });
    // It is no end that was asked for.
    expect(bug).toMatchObject({ code: 70, heard: `${up}given-up h: a late bug -> \n` });
    expect(failing).toMatchObject({ code: 75, heard: '', last: 'closed' });
    expect(failing.stderr).toContain('--on-event: given-up was not told: it ended with 3: sorry');
  }, 60_000);

  test('nothing but the ready line and warnings without -v; more with it', async () => {
    await using home = await Home.make();
    const quiet = await home.run(['-r', 'h', '0/0', '--log-format', 'text'], 'lost');
    expect(quiet.stdout).toBe('tshuttle: pretending for h; stop it with: tshuttle down h\n');
    expect(quiet.stderr).toMatch(/WARN: a warning\n/);
    expect(quiet.stderr).not.toContain('a flow ended');
    const verbose = await home.run(['-r', 'h', '0/0', '-vv'], 'lost');
    expect(verbose.stderr).toMatch(/"level":"info".*"a flow ended"[\s\S]*"level":"debug".*"a detail"/);
    // Off a terminal each line is JSON then, also of what the tunnel ended by.
    const lines = verbose.stderr.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown).at(-1)).toMatchObject({
      code: 'ERR_BASTION_LOST',
      remedy: 'start again',
    });
    // And with -q there is nothing but that.
    expect(await home.run(['-q', '-r', 'h', '0/0'], 'lost')).toMatchObject({
      stdout: '',
      stderr: 'tshuttle: the bastion is gone -> start again\n',
    });
    expect((await home.run(['-q', '-v', '-r', 'h', '0/0', '--log-format', 'text'])).stderr).toContain(
      '-q: says nothing but errors, and -v says more; leave one out\n',
    );
  });
});

test('-r that may be a target of a config.yaml that is wrong goes nowhere, and any other goes as ever', async () => {
  await using home = await Home.make();
  const folder = join(home.path, '.config', 'tshuttle');
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'config.yaml'),
    'targets:\n  web: {gate: none, server: 10.0.0.8, user: root}\n',
  );
  const run = (remote: string) => home.run(['-r', remote, '10.0.0.0/8', '--dry-run']);
  expect(await run('web')).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('gate none is not one of gates:'),
  });
  expect(await run('127.0.0.1')).toMatchObject({ code: 0 });

  // What cannot be read may have any.
  await rm(join(folder, 'config.yaml'));
  await mkdir(join(folder, 'config.yaml'));
  const said = `${folder}/config.yaml: cannot be read: `;
  expect(await run('me@127.0.0.1')).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(
      new RegExp(
        `${said}.*; whether 127\\.0\\.0\\.1 is a target is not known, so it is taken for a host of ssh`,
      ),
    ),
  });
  expect((await run('127.0.0.1:22')).stderr).not.toContain(said);
  expect(await home.run(['target', 'list'])).toMatchObject({
    code: 78,
    stderr: expect.stringContaining(said),
  });
});
