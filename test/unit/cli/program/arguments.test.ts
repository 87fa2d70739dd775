import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../../../src/cli/program/arguments.ts';
import { wordsBeforeTunnel } from '../../../../src/cli/program/tunnel-commands.ts';
import { renderProblem } from '../../../../src/core/problem.ts';

function parse(...words: readonly string[]) {
  return parseArguments(words, '1.2.3');
}

describe('parseArguments', () => {
  test('a value that a command does not take is named with those that it takes', async () => {
    expect(await parse('bastion', 'init', '--for', 'debain')).toEqual({
      kind: 'refused',
      problems: [{ where: '--for debain', what: 'is not one of debian, cloud-init, container, gate' }],
    });
  });

  test('takes options and subnets in any order, short options with and without a blank', async () => {
    const words = [
      '-vv',
      '10.0.0.0/8',
      '-x10.1.0.0/16',
      '-r',
      'me@h',
      '-x',
      'db',
      '::/0',
      '-i',
      'a',
      '-ib',
      '-v',
    ];
    expect(await parse(...words)).toMatchObject({
      kind: 'tunnel',
      raw: {
        subnets: ['10.0.0.0/8', '::/0'],
        excludes: ['10.1.0.0/16', 'db'],
        remote: ['me@h'],
        identityFiles: ['a', 'b'],
        verbosity: 3,
        ipv6: true,
        daemon: false,
      },
    });
  });

  test('has a long form of everything', async () => {
    const words =
      '--remote h --subnets f --exclude 1.1.1.1 --exclude-from g --identity i --ssh-option A=b --ssh-cmd s --listen 1 --method nft ' +
      '--dns --ns-hosts 192.0.2.53 --to-ns 10.0.0.2 --user u --group g --cgroup c --also-from docker0 --domain a.example --host b=10.0.0.3 --auto-hosts --auto-nets --syslog --seed-hosts db --map 10.1.0.0/16=10.2.0.0/16 --local-forward 3:a:4 --socks 1 --http-proxy 2 --proxy-auth a --disable-ipv6 --no-session --daemon --pidfile p --verbose --log-format json --dry-run 0/0';
    expect(await parse(...words.split(' '))).toEqual({
      kind: 'tunnel',
      raw: {
        subnets: ['0/0'],
        remote: ['h'],
        subnetFiles: ['f'],
        excludes: ['1.1.1.1'],
        excludeFiles: ['g'],
        identityFiles: ['i'],
        sshOptions: ['A=b'],
        sshCommand: 's',
        listen: '1',
        method: 'nft',
        everything: true,
        nameservers: '192.0.2.53',
        resolvers: '10.0.0.2',
        zones: ['a.example'],
        users: ['u'],
        groups: ['g'],
        cgroups: ['c'],
        alsoFrom: ['docker0'],
        hosts: ['b=10.0.0.3'],
        bastionHosts: true,
        autoNets: true,
        syslog: true,
        seedHosts: 'db',
        forwards: ['3:a:4'],
        maps: ['10.1.0.0/16=10.2.0.0/16'],
        socks: ['1'],
        http: ['2'],
        proxyLogin: 'a',
        ipv6: false,
        mayOpenSession: false,
        daemon: true,
        pidFile: 'p',
        dryRun: true,
        logFormat: 'json',
        verbosity: 1,
        quiet: false,
      },
    });
  });

  test('of two values from two sources the last wins, so that arguments win over TSHUTTLE_ARGS', async () => {
    expect(await parse('-r', 'a', '-r', 'b', '0/0')).toMatchObject({ raw: { remote: ['a', 'b'] } });
  });

  test.each<[string, string]>([
    [
      'logs --dns office',
      '--dns: is not an option of logs; it is one of tshuttle -r BASTION, run, explain, doctor, openstack check, bastion audit, report',
    ],
    [
      'list -r x',
      '-r: is not an option of list; it is one of tshuttle -r BASTION, run, explain, doctor, openstack check, bastion audit, gate add, report',
    ],
    ['--no-session up office', '--no-session: is not an option of up; it is one of'],
    [
      'service status -v',
      '-v: is not an option of service status; it is one of tshuttle -r BASTION, run, explain, doctor, openstack check, bastion audit, report, config add, cleanup',
    ],
    ['list --follow', '--follow: is not an option here; it is one of logs'],
    ['-r h --rootless 0/0', '--rootless: is not an option here; it is one of run'],
    ['logs -n 5 --lines 6 office', '-n: is given twice: 5, 6; only one can count'],
    ['sudoers --user a --user b', '--user: is given twice: a, b; only one can count'],
  ])('refuses %s', async (line, said) => {
    const invocation = await parse(...line.split(' '));
    expect(invocation.kind === 'refused' && invocation.problems.map(renderProblem)).toEqual([
      expect.stringContaining(said),
    ]);
  });

  test('cleanup', async () => {
    const expected = { kind: 'command', name: 'cleanup', input: { verbosity: 2, logFormat: 'json' } };
    expect(await parse('-v', 'cleanup', '-v', '--log-format', 'json')).toMatchObject(expected);
  });

  test('explain, with the options of a tunnel wherever they stand', async () => {
    expect(
      await parse('-v', 'explain', 'db.example:5432', '-r', 'h', '10.0.0.0/8', '--domain', 'a.example'),
    ).toMatchObject({
      kind: 'command',
      name: 'explain',
      input: {
        destination: { host: 'db.example', port: 5432 },
        raw: { remote: ['h'], subnets: ['10.0.0.0/8'], zones: ['a.example'], verbosity: 1 },
      },
    });
    expect(await parse('explain', '[2001:db8::1]:443', '-r', 'h')).toMatchObject({
      input: { destination: { host: '2001:db8::1', port: 443 } },
    });
    expect(await parse('explain', '10.0.0.8', '-r', 'h')).toMatchObject({
      input: { destination: { host: '10.0.0.8', port: undefined } },
    });
    for (const wrong of ['10.0.0.0/8', '10.0.0.8:80-90', 'https://a/', '']) {
      expect(await parse('explain', wrong, '-r', 'h'), wrong).toMatchObject({ kind: 'refused' });
    }
    expect(await parse('explain')).toMatchObject({ kind: 'refused', problems: [{ where: 'explain' }] });
  });

  test.each<[readonly string[], number | undefined]>([
    [['-r', 'h', '10/8'], 0],
    [[], 0],
    [['explain', 'db:5432', '-r', 'h'], 2],
    [['-vv', 'explain', 'db:5432'], 3],
    [['cleanup'], undefined],
    [['-v', 'cleanup', '-v'], undefined],
    [['-r', 'cleanup', '10/8'], 0],
  ])('before the options of a tunnel in %j', async (words, count) => {
    expect(await wordsBeforeTunnel(words)).toBe(count);
  });

  test('version', async () => {
    expect(await parse('-V')).toEqual({ kind: 'text', text: 'tshuttle 1.2.3\n' });
  });

  test('help', async () => {
    const help = await parse('--help');
    expect(help).toMatchObject({ kind: 'text', text: expect.stringContaining('130 Ctrl-C') });
  });

  test.each([
    ['--nope', '--nope: is not an option'],
    ['--remot', '--remot: is not an option; perhaps --remote'],
    ['-r', '-r: needs a value after it'],
    ['-Y', '-Y: is X11, which needs a session on the bastion; ssh -Y does it beside tshuttle'],
    ['-vY', '-Y: is X11, which needs a session on the bastion; ssh -Y does it beside tshuttle'],
    ['--ssh-cmd', '-e: needs a value after it'],
  ])('refuses %s in one line', async (word, line) => {
    const invocation = await parse(word);
    expect(invocation.kind === 'refused' && invocation.problems.map(renderProblem)).toEqual([line]);
  });

  test('refuses all options that there are not, and what may be a value of one of them is not blamed', async () => {
    const invocation = await parse('--remot=h', '10.0.0.0/8', '--nope', 'value', '--dsn', '-Y', '--nope');
    expect(invocation.kind === 'refused' && invocation.problems.map(({ where }) => where)).toEqual([
      '--remot',
      '--nope',
      '--dsn',
      '-Y',
      '--nope',
    ]);
    expect(await parse('status', '--nope', '--jsn')).toMatchObject({
      kind: 'refused',
      problems: [{ where: '--nope' }, { what: 'is not an option; perhaps --json' }],
    });
  });

  test.each([
    ['clean', 'is not a command; write tshuttle cleanup'],
    ['halt', 'is not a command, tshuttle -h lists them; to capture a host of this name, add -r BASTION'],
    ['version', 'is not a command; write tshuttle --version'],
  ])('%s alone is taken for a command that is not there', async (word, what) => {
    expect(await parse(word)).toEqual({ kind: 'refused', problems: [{ where: word, what }] });
    expect(await parse('-r', 'h', word)).toMatchObject({ kind: 'tunnel', raw: { subnets: [word] } });
  });

  test.each(['10.0.0.0/8', 'db.example.com', 'db:5432'])('%s alone is a subnet', async (word) => {
    expect(await parse(word)).toMatchObject({ kind: 'tunnel', raw: { subnets: [word] } });
  });

  test.each([
    ['gate', 'is followed by one of create, add, list, show, remove, keys, as in tshuttle gate list'],
    ['gate lists', 'is not a command; perhaps tshuttle gate list'],
    ['gate keys lst', 'is not a command; perhaps tshuttle gate keys list'],
    ['service frobnicate', 'is not a command; service is followed by one of install, uninstall, status'],
  ])('%s is no command of its group', async (words, what) => {
    const refused = { kind: 'refused', problems: [{ where: words, what }] };
    expect(await parse(...words.split(' '))).toEqual(refused);
  });

  test('help of cleanup', async () => {
    const help = await parse('cleanup', '--help');
    expect(help).toMatchObject({ kind: 'text', text: expect.stringMatching(/^Usage: tshuttle cleanup /) });
  });

  test('cleanup takes no arguments', async () => {
    expect(await parse('cleanup', 'x')).toMatchObject({
      kind: 'refused',
      problems: [{ what: 'takes no arguments' }],
    });
  });
});
