import { describe, expect, test } from 'vitest';
import { NOTHING_GIVEN, type RawOptions } from '../../../src/config/options/table.ts';
import type { TextFile } from '../../../src/config/parse/files/text-file.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { renderProblem } from '../../../src/core/problem.ts';

const CAPTURE =
  /^SUBNET: is missing; say what to capture, as in 10\.0\.0\.0\/24, or 0\/0 for every IPv4 address$/;
const SERVE = /^SUBNET: is missing; say what to serve instead, as in --socks 1080; /;
const VALID: RawOptions = { ...NOTHING_GIVEN, remote: ['me@bastion'], subnets: ['10.0.0.0/8'] };

function parse(
  raw: RawOptions,
  files: Readonly<Record<string, string>> = {},
  isShown?: (text: string) => boolean,
) {
  const readTextFile = (path: string): TextFile => {
    const text = files[path];
    return text === undefined
      ? { kind: 'unreadable', what: 'cannot be read: there is no such file' }
      : { kind: 'text', text };
  };
  return parseConfig(raw, {
    readTextFile,
    whyUnreadable: (path) => (path in files ? undefined : 'there is no such file'),
    homeDirectory: '/home/me',
    workingDirectory: '/work',
    ...(isShown === undefined ? {} : { isShown }),
  });
}

function problemsOf(raw: RawOptions, files?: Readonly<Record<string, string>>): string[] {
  const result = parse(raw, files);
  return result.kind === 'problems' ? [result.blame, ...result.problems.map(renderProblem)] : ['no problem'];
}

function configOf(
  raw: RawOptions,
  files?: Readonly<Record<string, string>>,
  isShown?: (text: string) => boolean,
) {
  const result = parse(raw, files, isShown);
  if (result.kind === 'problems') throw new Error(result.problems.map(renderProblem).join('\n'));
  return result;
}

describe('parseConfig', () => {
  test('has the defaults of a bare command line', () => {
    const { config, warnings } = configOf(VALID);
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      remote: { user: 'me', password: undefined, host: 'bastion', port: undefined },
      listen: { address4: undefined, address6: undefined, port: undefined },
      method: 'auto',
      ipv6: true,
      mode: { kind: 'foreground' },
      logFormat: 'auto',
      verbosity: 0,
    });
  });

  test('takes the bastion’s networks for something to capture, which are asked for by a session', () => {
    const raw = { ...NOTHING_GIVEN, remote: ['me@bastion'], autoNets: true };
    expect(configOf(raw).config).toMatchObject({ autoNets: true, subnets: [] });
    expect(problemsOf({ ...raw, mayOpenSession: false })).toEqual([
      'arguments',
      '-N: asks the bastion for its routes by a session; leave out --no-session',
    ]);
  });

  test.each([
    [{ mayOpenSession: false }, 'runs a program on the bastion; leave out --no-session'],
    [{ transport: 'openssh' }, 'is for --transport ssh2; use --udp reject'],
    [{ sshCommand: 'ssh' }, 'is for --transport ssh2; use --udp reject'],
  ])('has no relay of UDP with %j', (other, what) => {
    expect(configOf({ ...VALID, udp: 'relay' }).config.udp).toBe('relay');
    expect(problemsOf({ ...VALID, udp: 'relay', ...other })).toEqual(['arguments', `--udp relay: ${what}`]);
  });

  test('is frozen to the last subnet', () => {
    const { config } = configOf(VALID);
    expect(Object.isFrozen(config.subnets[0]?.subnet)).toBe(true);
    expect(Object.isFrozen(config.remote)).toBe(true);
  });

  test('survives the way to a child process', () => {
    const { config } = configOf(VALID);
    expect(structuredClone(config)).toEqual(config);
  });

  test('takes subnets from arguments and files, with their places', () => {
    const files = {
      '/work/nets': '# office\n10.1.0.0/16\r\n\n db:5432 # database\n',
      '/home/me/not': '10.2.0.0/16',
    };
    const raw = { ...VALID, subnetFiles: ['nets'], excludes: ['10.3.0.0/16'], excludeFiles: ['~/not'] };
    const shown = configOf(raw, files).config.subnets.map(({ action, where }) => `${action} ${where}`);
    expect(shown).toEqual([
      'include 10.0.0.0/8',
      'include nets:2',
      'include nets:4',
      'exclude -x 10.3.0.0/16',
      'exclude ~/not:1',
    ]);
  });

  test('reports every problem at once', () => {
    const raw: RawOptions = {
      ...NOTHING_GIVEN,
      remote: ['me:secret@bastion:0'],
      subnets: ['10.0.0.0/33', '10.0.0.0/8:0'],
      subnetFiles: ['nets', 'missing'],
      excludes: ['10.0.0.256'],
      identityFiles: ['~/.ssh/none'],
      sshOptions: ['ConnectTimeout'],
      listen: 'x',
      method: 'ipfw',
      logFormat: 'xml',
    };
    expect(problemsOf(raw, { '/work/nets': '10.0.0.0/8\n10.0.0.0/40\n' })).toEqual([
      'arguments',
      '-r me:***@bastion:0: 0 is no port; write one from 1 to 65535',
      '-o ConnectTimeout: is not Key=Value, as in -o ConnectTimeout=10',
      '10.0.0.0/33: has the prefix length 33, but IPv4 has at most 32',
      '10.0.0.0/8:0: 0 is no port; write one from 1 to 65535',
      '-x 10.0.0.256: has 256 in its address, but no part is more than 255',
      '--method ipfw: is not one of auto, nft, iptables, tproxy, pf',
      '-l x: has x for an address; write it as in 127.0.0.1:12300 or [::1]:12300',
      '--log-format xml: is not one of auto, text, json',
      '-i ~/.ssh/none: cannot be read: there is no such file',
      'nets:2: 10.0.0.0/40 has the prefix length 40, but IPv4 has at most 32',
      '-s missing: cannot be read: there is no such file',
    ]);
  });

  test.each<[string, RawOptions, readonly string[]]>([
    [
      'nothing',
      NOTHING_GIVEN,
      [
        'arguments',
        '-r: is missing; name the bastion, as in -r user@bastion.example.com',
        expect.stringMatching(process.platform === 'win32' ? SERVE : CAPTURE),
      ],
    ],
    [
      'an empty file',
      { ...VALID, subnets: [], subnetFiles: ['empty'] },
      ['files', '-s empty: holds no subnet'],
    ],
    [
      'a missing file',
      { ...VALID, subnetFiles: ['a'] },
      ['files', '-s a: cannot be read: there is no such file'],
    ],
    [
      'standard input twice',
      { ...VALID, subnetFiles: ['-'], excludeFiles: ['-'] },
      ['arguments', '-: is given as a file more than once, but standard input can be read only once'],
    ],
  ])('blames the right side for %s', (_name, raw, expected) => {
    expect(problemsOf(raw, { '/work/empty': '# nothing\n' })).toEqual(expected);
  });

  test('reads standard input for the file -', () => {
    const { config } = configOf({ ...VALID, subnets: [], subnetFiles: ['-'] }, { '-': '10.0.0.0/8' });
    expect(config.subnets.map(({ where }) => where)).toEqual(['standard input:1']);
  });

  test('warns of a password on the command line and does not show it', () => {
    const { config, warnings } = configOf({ ...VALID, remote: ['me:secret@bastion'] });
    expect(config.remote.password).toBe('secret');
    expect(warnings.map(renderProblem)).toEqual([
      '-r me:***@bastion: other users of this machine may have seen the password; leave it out to be asked for it',
    ]);
  });

  test('does not warn of a password that nobody has seen, as of a file @FILE', () => {
    const raw = { ...VALID, remote: ['me:secret@bastion'], upstreamProxy: 'socks5://me:secret@proxy' };
    expect(configOf(raw).warnings).toHaveLength(2);
    const shown: string[] = [];
    const isShown = (text: string): boolean => {
      shown.push(text);
      return false;
    };
    expect(configOf(raw, {}, isShown).warnings).toEqual([]);
    expect(shown.sort()).toEqual([...raw.remote, raw.upstreamProxy]);
  });

  test('makes paths absolute, because a daemon reads them again when it reconnects', () => {
    const raw = { ...VALID, identityFiles: ['~/.ssh/id', 'id'], daemon: true, pidFile: 'run/pid' };
    const { config } = configOf(raw, { '/home/me/.ssh/id': '', '/work/id': '' });
    expect(config.identityFiles).toEqual(['/home/me/.ssh/id', '/work/id']);
    expect(config.mode).toEqual({ kind: 'daemon', pidFile: '/work/run/pid' });
  });

  test.each([
    ['0.0.0.0', '0.0.0.0'],
    ['127.0.0.1,[::]:12300', '::'],
  ])('a listener at %s is pointed out', (listen, address) => {
    expect(configOf({ ...VALID, listen }).warnings.map(renderProblem)).toEqual([
      `-l ${listen}: only connections that this machine opens are captured, whoever ${address} would admit; --also-from IFACE or NETWORK has those of others captured, too`,
    ]);
  });

  test.each(['12300', '127.0.0.1', '[::1]:12300'])('one at %s is not', (listen) => {
    expect(configOf({ ...VALID, listen }).warnings).toEqual([]);
  });

  test('a dry run wins over -D, and --pidfile without -D is pointed out', () => {
    expect(configOf({ ...VALID, daemon: true, dryRun: true }).config.mode).toEqual({ kind: 'dry-run' });
    expect(configOf({ ...VALID, pidFile: 'p' }).warnings.map(renderProblem)).toEqual([
      '--pidfile p: has no effect without -D',
    ]);
  });

  test.each([
    [{ remote: ['me:s3cret'] }, '-r me:***'],
    [{ remote: ['me:s3cret@'] }, '-r me:***@'],
    [{ subnets: ['me:s3cret@bastion'] }, 'me:***@bastion'],
  ])('a password that stands in the wrong place is not shown: %j', (raw, where) => {
    const shown = problemsOf({ ...VALID, ...raw }).join('\n');
    expect(shown).toContain(where);
    expect(shown).not.toContain('s3cret');
  });

  test('20,000 lines are no problem', () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24:443`);
    const { config } = configOf({ ...VALID, subnetFiles: ['many'] }, { '/work/many': lines.join('\n') });
    expect(config.subnets).toHaveLength(20_001);
  });
});

describe('the way to the bastion', () => {
  test('is taken over, -F as an absolute path', () => {
    const { config, warnings } = configOf(
      { ...VALID, sshConfigFile: 'ssh_config', jump: 'me@one:22,two', upstreamProxy: 'socks5://proxy:1' },
      { '/work/ssh_config': '' },
    );
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      sshConfigFile: '/work/ssh_config',
      jump: 'me@one:22,two',
      upstreamProxy: { host: 'proxy', port: 1, user: undefined, password: undefined },
    });
    expect(configOf({ ...VALID, sshConfigFile: 'none' }).config.sshConfigFile).toBe('none');
  });

  test('that is wrong is told, without a password', () => {
    expect(problemsOf({ ...VALID, sshConfigFile: 'missing' })).toEqual([
      'files',
      '-F missing: cannot be read: there is no such file',
    ]);
    const wrong = { ...VALID, jump: 'one,-oProxyCommand=x', upstreamProxy: 'http://me:hunter2@proxy:1' };
    const problems = problemsOf(wrong).join('\n');
    expect(problems).toContain('-J one,-oProxyCommand=x: is not [user@]host[:port]');
    expect(problems).toContain('only socks5:// is there');
    expect(problems).not.toContain('hunter2');
  });

  test('a password of the proxy is warned of, and not shown', () => {
    const { warnings } = configOf({ ...VALID, upstreamProxy: 'socks5://me:hunter2@proxy' });
    expect(warnings.map(renderProblem).join()).toMatch(/^--upstream-proxy .*other users/);
    expect(warnings.map(renderProblem).join()).not.toContain('hunter2');
  });

  test('makes programs of users, groups and control groups, by name, number, path or unit', () => {
    const { config } = configOf({
      ...VALID,
      users: ['root', '1001', '0'],
      groups: ['0'],
      cgroups: ['backup.service', '/sys/fs/cgroup/a/b/', 'user-1000.slice', 'other'],
    });
    const cgroups = ['system.slice/backup.service', 'a/b', 'user.slice/user-1000.slice', 'other'];
    expect(config.programs).toEqual({
      matches: [0, 1_001].flatMap((userId) => cgroups.map((cgroup) => ({ userId, groupId: 0, cgroup }))),
      description: `user root or 1001 or 0, group 0, control group ${cgroups.join(' or ')}`,
    });
    expect(configOf(VALID).config.programs).toBeUndefined();
  });

  test('names every program that it cannot make out', () => {
    const raw = {
      ...VALID,
      users: ['no-such-user', '4294967295', '-1'],
      groups: ['no such group'],
      cgroups: ['/', 'a/../b', 'a b'],
    };
    expect(problemsOf(raw)).toEqual([
      'arguments',
      '--user no-such-user: is no user of this machine',
      '--user 4294967295: is not a number from 0 to 4294967294',
      '--user -1: is no user of this machine',
      '--group no such group: is no group of this machine',
      '--cgroup /: is the root of all control groups, in which everything is: leave it out',
      '--cgroup a/../b: is not the path of a control group, as in system.slice/backup.service',
      '--cgroup a b: is not the path of a control group, as in system.slice/backup.service',
    ]);
    const many = Array.from({ length: 9 }, (_, index) => `${index}`);
    expect(problemsOf({ ...VALID, users: many, groups: many })).toEqual([
      'arguments',
      '--user, --group, --cgroup: make 81 combinations, and 64 are possible; name fewer',
    ]);
  });
});
