import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../../src/cli/program/arguments.ts';
import { ignoredOptions, readSshuttleWords } from '../../../src/cli/program/sshuttle-words.ts';
import { NOTHING_GIVEN, type RawOptions } from '../../../src/config/options/table.ts';
import { renderProblem } from '../../../src/core/problem.ts';

/** What a command line of sshuttle's comes to here. */
async function parse(
  line: string,
): Promise<{ readonly raw: RawOptions; readonly ignored: readonly string[] }> {
  const { words, ignored } = readSshuttleWords(line.split(' '));
  const invocation = await parseArguments(words, '1.2.3');
  if (invocation.kind !== 'tunnel') throw new Error(JSON.stringify(invocation));
  return { raw: invocation.raw, ignored };
}

const SUBNETS = { remote: ['me@b'], subnets: ['10.0.0.0/8'] } as const;
const EXCLUDING = { ...SUBNETS, excludes: ['10.9.0.0/16'] } as const;

/** Expected by what sshuttle's manual says of each. */
const SAME: ReadonlyArray<readonly [line: string, asked: Partial<RawOptions>]> = [
  ['-r me@b 10.0.0.0/8', SUBNETS],
  ['--remote me@b 10.0.0.0/8', SUBNETS],
  ['--remote=me@b 10.0.0.0/8', SUBNETS],
  ['-rme@b 10.0.0.0/8', SUBNETS],
  ['10.0.0.0/8 -r me@b', SUBNETS],
  ['-r me@b -x 10.9.0.0/16 10.0.0.0/8', EXCLUDING],
  ['-r me@b --exclude=10.9.0.0/16 10.0.0.0/8', EXCLUDING],
  ['-vr me@b 10.0.0.0/8', { ...SUBNETS, verbosity: 1 }],
  ['-vvr me@b 10.0.0.0/8', { ...SUBNETS, verbosity: 2 }],
  ['-vvHr me@b 10.0.0.0/8', { ...SUBNETS, verbosity: 2, bastionHosts: true }],
  ['-Dv -r me@b 10.0.0.0/8', { ...SUBNETS, daemon: true, verbosity: 1 }],
  ['-NHr me@b', { remote: ['me@b'], autoNets: true, bastionHosts: true }],
  ['--auto-n -r me@b 10.0.0.0/8', { ...SUBNETS, autoNets: true }],
  ['-Drme@b 10.0.0.0/8', { ...SUBNETS, daemon: true }],
  ['--daemon --pidfile /p --remote me@b 10.0.0.0/8', { ...SUBNETS, daemon: true, pidFile: '/p' }],
  ['--dns -r me@b 10.0.0.0/8', { ...SUBNETS, everything: true }],
  ['--ns-hosts 10.0.0.2,10.0.0.3 -r me@b 10.0.0.0/8', { ...SUBNETS, nameservers: '10.0.0.2,10.0.0.3' }],
  [
    '--dns --to-ns 10.0.0.2:54 -r me@b 10.0.0.0/8',
    { ...SUBNETS, everything: true, resolvers: '10.0.0.2:54' },
  ],
  ['--disable-ipv6 -r me@b 10.0.0.0/8', { ...SUBNETS, ipv6: false }],
  ['-l 127.0.0.1:12300 -r me@b 10.0.0.0/8', { ...SUBNETS, listen: '127.0.0.1:12300' }],
  ['-s list -X others -r me@b', { remote: ['me@b'], subnetFiles: ['list'], excludeFiles: ['others'] }],
  ['--seed-hosts a,b -r me@b 10.0.0.0/8', { ...SUBNETS, seedHosts: 'a,b' }],
  ['--method auto -r me@b 10.0.0.0/8', { ...SUBNETS, method: 'auto' }],
  ['--method nft -r me@b 10.0.0.0/8', { ...SUBNETS, method: 'nft' }],
  // nat is sshuttle's word for iptables.
  ['--method nat -r me@b 10.0.0.0/8', { ...SUBNETS, method: 'iptables' }],
  ['--method=nat -r me@b 10.0.0.0/8', { ...SUBNETS, method: 'iptables' }],
  ['--meth=nat -r me@b 10.0.0.0/8', { ...SUBNETS, method: 'iptables' }],
  // argparse's allow_abbrev.
  ['--dis --subn list -r me@b', { remote: ['me@b'], ipv6: false, subnetFiles: ['list'] }],
  [
    '--daem --pidf /p --exclude-f x -r me@b 10.0.0.0/8',
    { ...SUBNETS, daemon: true, pidFile: '/p', excludeFiles: ['x'] },
  ],
  [
    '--listen=0 --auto-h --see a -r me@b 10.0.0.0/8',
    { ...SUBNETS, listen: '0', bastionHosts: true, seedHosts: 'a' },
  ],
  ['-r me@b --user alice 10.0.0.0/8', { ...SUBNETS, users: ['alice'] }],
  ['--group=staff -r me@b 10.0.0.0/8', { ...SUBNETS, groups: ['staff'] }],
  ['--us 1000 --gro 100 -r me@b 10.0.0.0/8', { ...SUBNETS, users: ['1000'], groups: ['100'] }],
  ['-e ssh -r me@b 10.0.0.0/8', { ...SUBNETS, sshCommand: 'ssh' }],
  ['--ssh-cmd=/opt/bin/ssh -r me@b 10.0.0.0/8', { ...SUBNETS, sshCommand: '/opt/bin/ssh' }],
  ['--ssh-cm mosh -r me@b 10.0.0.0/8', { ...SUBNETS, sshCommand: 'mosh' }],
  ['-De/opt/ssh -r me@b 10.0.0.0/8', { ...SUBNETS, daemon: true, sshCommand: '/opt/ssh' }],
  ['-r me:secret@b:22 10.0.0.0/8', { ...SUBNETS, remote: ['me:secret@b:22'] }],
  ['-r me@b 0/0 ::/0', { ...SUBNETS, subnets: ['0/0', '::/0'] }],
  [
    '-r me@b 1.2.3.0/24:8000-9000 [1:2::3/64]:456',
    {
      ...SUBNETS,
      subnets: ['1.2.3.0/24:8000-9000', '[1:2::3/64]:456'],
    },
  ],
  [
    '-r me@b example.com example.com/24:8000',
    { ...SUBNETS, subnets: ['example.com', 'example.com/24:8000'] },
  ],
  ['-r me@b -l 127.0.0.1:0,[::1]:0 10.0.0.0/8', { ...SUBNETS, listen: '127.0.0.1:0,[::1]:0' }],
  ['-r me@b --namespace blue 10.0.0.0/8', { ...SUBNETS, namespaceName: 'blue' }],
  ['--namespace-pid=4711 -r me@b 10.0.0.0/8', { ...SUBNETS, namespacePid: '4711' }],
  ['-r me@b -t 0x1 10.0.0.0/8', { ...SUBNETS, tmark: '0x1' }],
  ['-r me@b 10.0.0.0/8 --tmark=0x1', { ...SUBNETS, tmark: '0x1' }],
  // A value that looks like an option, or like an abbreviation, is a value.
  ['-r me@b -x --dn 10.0.0.0/8', { ...SUBNETS, excludes: ['--dn'] }],
  ['-r me@b 10.0.0.0/8 -- --dn', { ...SUBNETS, subnets: ['10.0.0.0/8', '--dn'] }],
];

test.each(SAME)('%s', async (line, asked) => {
  expect(await parse(line)).toEqual({ raw: { ...NOTHING_GIVEN, ...asked }, ignored: [] });
});

test.each([
  ['--sudoers-no-modify', ['sudoers']],
  ['--sudoers-no-modify --sudoers-user alice', ['sudoers', '--user', 'alice']],
  ['--sudoers-user=%wheel --sudoers-n -r me@b 10.0.0.0/8', ['sudoers', '--user', '%wheel']],
])('%s is the command sudoers', async (line, words) => {
  const read = readSshuttleWords(line.split(' '));
  expect(read).toEqual({ words, ignored: [] });
  expect(await parseArguments(read.words, '1.2.3')).toMatchObject({ kind: 'command', name: 'sudoers' });
});

type Fate = 'taken' | 'ignored' | 'command' | 'text' | RegExp;

/** Every option of its options.py, in its order; a refusal with the beginning of the reason. */
const DOCUMENTED: ReadonlyArray<readonly [option: string, fate: Fate]> = [
  ['-l 0', 'taken'],
  ['--listen 0', 'taken'],
  ['-H', 'taken'],
  ['--auto-hosts', 'taken'],
  ['-N', 'taken'],
  ['--auto-nets', 'taken'],
  ['--dns', 'taken'],
  ['--ns-hosts 10.0.0.2', 'taken'],
  ['--to-ns 10.0.0.2', 'taken'],
  ['--method auto', 'taken'],
  ['--python /usr/bin/python3', 'ignored'],
  ['-r other', 'taken'],
  ['--remote other', 'taken'],
  ['-x 10.1.0.0/16', 'taken'],
  ['--exclude 10.1.0.0/16', 'taken'],
  ['-X file', 'taken'],
  ['--exclude-from file', 'taken'],
  ['-v', 'taken'],
  ['--verbose', 'taken'],
  ['-V', 'text'],
  ['--version', 'text'],
  ['-e ssh', 'taken'],
  ['--ssh-cmd ssh', 'taken'],
  ['--no-cmd-delimiter', 'ignored'],
  ['--remote-shell cmd', 'ignored'],
  ['--seed-hosts a', 'taken'],
  ['--no-latency-control', 'ignored'],
  ['--latency-buffer-size 1', 'ignored'],
  ['--wrap 9', 'ignored'],
  ['--disable-ipv6', 'taken'],
  ['-D', 'taken'],
  ['--daemon', 'taken'],
  ['-s file', 'taken'],
  ['--subnets file', 'taken'],
  ['--syslog', 'taken'],
  ['--pidfile p', 'taken'],
  ['--user u', 'taken'],
  ['--group g', 'taken'],
  ['--firewall', /internal/],
  ['--hostwatch', /internal/],
  ['--sudoers-no-modify', 'command'],
  ['--sudoers-user u', 'ignored'],
  ['--no-sudo-pythonpath', 'ignored'],
  ['-t 0x1', 'taken'],
  ['--tmark 0x1', 'taken'],
  ['--namespace n', 'taken'],
  ['--namespace-pid 1', 'taken'],
  ['-h', 'text'],
  ['--help', 'text'],
];

test.each(DOCUMENTED)('%s is %s', async (option, fate) => {
  const name = option.split(' ', 1)[0]!;
  const { words, ignored } = readSshuttleWords(`-r me@b 10.0.0.0/8 ${option}`.split(' '));
  const invocation = await parseArguments(words, '1.2.3');
  expect(ignored).toEqual(fate === 'ignored' ? [name] : []);
  if (fate instanceof RegExp) {
    const problems = invocation.kind === 'refused' ? invocation.problems : [];
    expect(problems.find(({ where }) => where === name)?.what).toMatch(fate);
    return;
  }
  expect(invocation.kind).toBe(fate === 'taken' || fate === 'ignored' ? 'tunnel' : fate);
  if (fate === 'ignored')
    expect(invocation).toMatchObject({ raw: { subnets: ['10.0.0.0/8'], remote: ['me@b'] } });
});

describe('what only sshuttle needs is left out with its value, which becomes no subnet', () => {
  test.each([
    ['--python 10.1.0.0/16', '--python'],
    ['--python=10.1.0.0/16', '--python'],
    ['--pyth 10.1.0.0/16', '--python'],
    ['--remote-shell cmd', '--remote-shell'],
    ['--no-cmd-delimiter', '--no-cmd-delimiter'],
    ['--no-sudo-pythonpath', '--no-sudo-pythonpath'],
    ['--no-latency-control', '--no-latency-control'],
    ['--latency-buffer-size 65536', '--latency-buffer-size'],
    ['--wrap 9', '--wrap'],
  ])('%s', async (words, name) => {
    for (const line of [`${words} -r me@b 10.0.0.0/8`, `-r me@b 10.0.0.0/8 ${words}`]) {
      expect(await parse(line)).toEqual({ raw: { ...NOTHING_GIVEN, ...SUBNETS }, ignored: [name] });
    }
  });

  test('is one warning', () => {
    const { ignored } = readSshuttleWords('--python p --wrap 9 --python q'.split(' '));
    expect(ignoredOptions(ignored).map(renderProblem)).toEqual([
      '--python, --wrap: without effect: what only sshuttle needs is ignored',
    ]);
    expect(ignoredOptions([])).toEqual([]);
  });
});

test.each([
  // Several begin so: --remote and --remote-shell, --verbose and --version, --no-session and sshuttle's own.
  ['--remo me@b 10.0.0.0/8', '--remo: is not an option; perhaps --remote'],
  ['-r me@b --no 10.0.0.0/8', '--no: is not an option'],
  // What is refused is so by its whole name, too.
  ['-r me@b --firew 10.0.0.0/8', '--firewall: is internal'],
])('refused: %s', async (line, problem) => {
  const invocation = await parseArguments(readSshuttleWords(line.split(' ')).words, '1.2.3');
  expect(invocation.kind).toBe('refused');
  const problems = invocation.kind === 'refused' ? invocation.problems.map(renderProblem) : [];
  expect(
    problems.some((one) => one.startsWith(problem)),
    problems.join('\n'),
  ).toBe(true);
});
