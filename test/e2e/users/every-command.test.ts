import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_COMMANDS } from '../../../src/cli/program/all-commands.ts';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { expectNothingLeft } from '../../support/tshuttle/tshuttle.ts';

const SUBNET = `${ADDRESSES.destination4}/32`;

/** Each command with words that change nothing, and its exit codes: with the tunnel up, and without one. */
const WORDS: Readonly<Record<string, readonly [words: string, withTunnel: number, without: number]>> = {
  up: ['nosuch', 78, 78],
  down: ['nosuch', 64, 64],
  restart: ['nosuch', 78, 78],
  reload: ['office', 0, 64],
  status: ['', 0, 4],
  'is-up': ['', 0, 4],
  top: ['--once', 0, 64],
  list: ['', 0, 0],
  logs: ['', 0, 0],
  login: ['nosuch', 64, 64],
  run: ['office -- true', 0, 0],
  explain: [`${ADDRESSES.destination4}:7000 office`, 0, 0],
  doctor: ['', 0, 0],
  'openstack check': ['nosuch', 64, 64],
  'openstack ssh-config': ['nosuch --gate nosuch', 64, 64],
  'bastion init': ['--for debian', 64, 64],
  'bastion audit': ['', 64, 64],
  'gate create': ['', 64, 64],
  'gate add': ['', 64, 64],
  'gate list': ['', 0, 0],
  'gate show': ['nosuch', 78, 78],
  'gate remove': ['nosuch', 78, 78],
  'gate keys list': ['nosuch', 78, 78],
  'gate keys add': ['nosuch', 64, 64],
  'gate keys remove': ['nosuch', 64, 64],
  'target add': ['', 64, 64],
  'target list': ['', 0, 0],
  'target show': ['nosuch', 78, 78],
  'target set': ['nosuch --user x', 78, 78],
  'target remove': ['nosuch', 78, 78],
  'target ssh-config': ['', 0, 0],
  report: ['', 0, 0],
  'config show': ['', 0, 0],
  'config add': ['', 64, 64],
  'config remove': ['nosuch', 78, 78],
  'config edit': ['', 64, 64],
  'config check': ['', 0, 0],
  'config schema': ['', 0, 0],
  'metrics dashboard': ['', 0, 0],
  'metrics rules': ['', 0, 0],
  sudoers: ['--user nobody', 0, 0],
  'service install': ['--print office', 0, 0],
  'service uninstall': ['nosuch', 0, 0],
  'service status': ['', 0, 0],
  cleanup: ['', 0, 0],
  help: ['recipes', 0, 0],
  man: ['', 0, 0],
  completion: ['bash', 0, 0],
  complete: ['-- st', 0, 0],
  // No command of the table, and before all of them.
  '--version': ['', 0, 0],
  '--help': ['', 0, 0],
};

/** How a command is run: by bash, with the command as its arguments. */
const WAYS = {
  piped: '"$@"',
  'with standard output closed': '"$@" >&-',
  'with readers that are gone': '{ "$@" 2>&3 | true; exit $PIPESTATUS; } 3> >(true)',
  'interrupted after 100 ms': 'exec timeout --preserve-status -s INT 0.1 "$@"',
} as const;

/** So many at once. */
const AT_ONCE = 4;

// Over a hundred processes, and each takes its time to start on a busy machine.
describe.skipIf(skipLab)('every command', { timeout: 300_000 }, () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await createLab();
    const folder = join(lab.machine.homeOf('root'), '.config', 'tshuttle');
    const office = {
      remote: `root@${ADDRESSES.bastion4}`,
      subnets: [SUBNET],
      identity: [lab.sshd.userKey],
      ssh_options: [`UserKnownHostsFile=${lab.sshd.knownHosts}`],
    };
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'config.yaml'), JSON.stringify({ profiles: { office } }), { mode: 0o600 });
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const tshuttle = (...words: readonly string[]) =>
    lab.client.exec(['node', 'bin/tshuttle', ...words], { timeoutMs: 60_000 });

  /** What was not right, a line for each run. */
  const sweep = async (column: 1 | 2, ways: ReadonlyArray<keyof typeof WAYS>): Promise<readonly string[]> => {
    const runs = ways.flatMap((way) => Object.entries(WORDS).map(([name, row]) => ({ way, name, row })));
    const wrong: string[] = [];
    const worker = async (): Promise<void> => {
      for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
        const { way, name, row } = run;
        const words = `${name} ${row[0]}`.trim().split(' ');
        const argv = ['bash', '-c', WAYS[way], 'bash', 'node', 'bin/tshuttle', ...words];
        const { code, signal, stdout, stderr } = await lab.client.exec(argv, { timeoutMs: 60_000 });
        const allowed = way === 'interrupted after 100 ms' ? [row[column], 130] : [row[column]];
        const said = `${stdout}${stderr}`;
        const isTrace = /internal error;|^\s+at .*:\d+:\d+\)?$|uncaught|UnhandledPromise/im.test(said);
        if (code === null || !allowed.includes(code) || isTrace)
          wrong.push(`${words.join(' ')}, ${way}: ${code ?? signal}\n${stderr.slice(0, 600)}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return wrong;
  };

  it('is in the table of this test', () => {
    expect(Object.keys(WORDS).filter((name) => !name.startsWith('-'))).toEqual(
      ALL_COMMANDS.map(({ name }) => name),
    );
  });

  it('ends in order without a tunnel, whoever reads', async () => {
    expect(await sweep(2, ['piped', 'with readers that are gone'])).toEqual([]);
    await expectNothingLeft(lab);
  });

  it('ends in order with a tunnel, whoever reads, and when it is interrupted', async () => {
    const up = await tshuttle('up', 'office');
    expect(up, up.stderr).toMatchObject({ code: 0 });
    try {
      expect(await sweep(1, Object.keys(WAYS) as Array<keyof typeof WAYS>)).toEqual([]);
      // What goes on until Ctrl-C has nothing left to do when its reader is gone.
      const following = 'set -o pipefail; "$@" | head -n 1';
      const words = ['node', 'bin/tshuttle', 'logs', '-f', 'office'];
      const followed = lab.client.spawn(['bash', '-c', following, 'bash', ...words]);
      await followed.untilOutput(/up: /);
      await tshuttle('reload', 'office');
      expect(await followed.exited).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await tshuttle('down', 'office');
    }
    await expectNothingLeft(lab);
  });
});
