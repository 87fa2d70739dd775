import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startHelper } from '../../../src/intercept/client/client.ts';
import type { Candidate } from '../../../src/intercept/rules/redirect-methods.ts';
import { descriptorOf } from '../../../src/net/native/descriptors/descriptor.ts';

import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { buildModule } from '../../support/process/built-module.ts';
import type { Child } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { createScratch, guardianOf, planFor, type Scratch, SILENT } from './scratch.ts';

/**
 * Whoever may run the helper by sudo chooses what it inherits and what it is asked for. Whatever that is, its rules are gone 2 s
 * after its end, and nobody else's are touched.
 */
const PORT = 12_300;
const GONE = { deadlineMs: 2_000, what: 'no rule of the holder left' } as const;
const ALICE = ORDINARY_USER;

/** CAP_SYS_RESOURCE (linux/capability.h), which many a container has taken from root: limits cannot be taken off then. */
const CAN_RAISE =
  (BigInt(`0x${/^CapEff:\t(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`) >> 24n) %
    2n ===
  1n;

/** Limits that end a process which passes them. */
const DEADLY_LIMITS = ['--cpu=1:1', '--as=17179869184', '--data=8589934592'];

/** Little of all that a program needs, on one processor that others keep busy. */
const HOSTILE_TERMS = [
  ...['prlimit', '--fsize=0:0', '--core=unlimited', '--nofile=64:64', '--memlock=0:0', '--sigpending=0:0'],
  ...['--msgqueue=0:0', '--stack=1048576:1048576', ...(CAN_RAISE ? DEADLY_LIMITS : [])],
  ...[
    'nice',
    '-n',
    '19',
    'chrt',
    '-i',
    '0',
    'taskset',
    '-c',
    '0',
    'perl',
    'test/lab/intercept/hostile-terms.pl',
    '0',
  ],
];

/** The library of nft is not there, so that the kernel would remove no rules by itself. */
const ONLY_IPTABLES =
  'mount --bind /dev/null "$(ldconfig -p | sed -n "s/.*libnftables.so.1 .*=> //p" | head -1)" && ' +
  `exec setpriv --reuid=${ALICE.name} --regid=${ALICE.name} --init-groups -- "$@"`;

interface HoldOptions {
  readonly candidate: Candidate;
  readonly user?: string;
  readonly onlyIptables?: boolean;
  readonly behind?: readonly string[];
  readonly isBusy?: boolean;
}

const HOLDER = await buildModule('test/lab/intercept/holder.entry.mjs');

function start(
  scratch: Scratch,
  { user = ALICE.name, onlyIptables = false, ...request }: HoldOptions,
): Child {
  const plan = planFor(PORT, '203.0.113.0', '203.0.113.255');
  const argv = ['node', HOLDER, JSON.stringify({ plan, ...request })];
  return onlyIptables
    ? scratch.namespace.spawn(['unshare', '--mount', 'sh', '-euc', ONLY_IPTABLES, 'sh', ...argv])
    : scratch.namespace.spawn(argv, { user });
}

async function hold(scratch: Scratch, options: HoldOptions): Promise<{ main: Child; helperPid: number }> {
  const main = start(scratch, options);
  const [, pid] = await main.untilOutput(/holding (\d+)/);
  return { main, helperPid: Number(pid) };
}

const rulesOf = async (scratch: Scratch, userId: number): Promise<string[]> =>
  (await scratch.ourRules()).filter((rule) => rule.includes(`-${userId}-${PORT}`));

/** Ends all that is of the holder, at once. */
async function killAll(scratch: Scratch, except: ReadonlySet<number>): Promise<void> {
  for (const pid of await scratch.namespace.pids()) if (!except.has(pid)) process.kill(pid, 'SIGKILL');
}

async function statusOf(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/status`, 'utf8');
}

/** In seconds. */
async function cpuTimeOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** A listener of this process, which has the helper. */
async function listenerHere(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return descriptorOf(server)!;
}

describe.skipIf(skipLab)('a holder of the grant', () => {
  it('has nothing made transparent but listeners of its own, on one port, which its rules name', async () => {
    await using scratch = await createScratch();
    const [first, second] = [await listenerHere(), await listenerHere()];
    const helper = await scratch.openHelper('tproxy');
    await expect(helper.call({ type: 'transparent', descriptors: [2] })).rejects.toThrow(
      /none of a listening TCP socket/,
    );
    await expect(helper.call({ type: 'transparent', descriptors: [first, second] })).rejects.toThrow(
      /more than one port/,
    );
    await helper.call({ type: 'transparent', descriptors: [first] });
    const plan = planFor(PORT, '203.0.113.0', '203.0.113.255');
    await expect(helper.call({ type: 'apply', plan })).rejects.toThrow(/the listener port changed/);

    // Whoever has made the standard input is not the one for whom sudo says that it runs.
    const command = ['env', `SUDO_UID=${ALICE.id}`, ...scratch.helperCommand];
    const forAnother = await startHelper({ command, logger: SILENT });
    onTestFinished(() => forAnother.close());
    await forAnother.call({ type: 'use', candidate: 'tproxy' });
    await expect(forAnother.call({ type: 'transparent', descriptors: [first] })).rejects.toThrow(
      /not the one on whose behalf it runs/,
    );
  });

  it('has no rules that could outlive the helper, where the kernel knows others', async () => {
    await using scratch = await createScratch();
    for (const candidate of ['libnftables-unowned', 'iptables', 'iptables-nft', 'iptables-legacy'] as const) {
      const main = start(scratch, { candidate });
      expect((await main.exited).code, candidate).not.toBe(0);
      expect(main.stderr, candidate).toMatch(new RegExp(`rules by ${candidate} would outlive this process`));
      expect(await scratch.ourRules()).toEqual([]);
    }
  });

  it.skipIf(CAN_RAISE)(
    'gets no rules on terms that would end the helper, where they cannot be changed',
    async () => {
      await using scratch = await createScratch();
      for (const limit of DEADLY_LIMITS) {
        const main = start(scratch, { candidate: 'libnftables', behind: ['prlimit', limit] });
        expect((await main.exited).code, limit).not.toBe(0);
        expect(main.stderr, limit).toMatch(
          /started with a limit of [\w ]+ that cannot be taken off: start tshuttle without/,
        );
        expect(await scratch.ourRules()).toEqual([]);
      }
    },
  );

  for (const [title, options] of [
    ['by nft', { candidate: 'libnftables' }],
    ['where there is only iptables', { candidate: 'iptables', onlyIptables: true }],
  ] as ReadonlyArray<[string, HoldOptions]>) {
    it(`${title}, on terms that would end it: it lets go of them, and its rules go with it, and no others`, async () => {
      await using scratch = await createScratch();
      const other = await hold(scratch, { candidate: options.candidate, user: 'root' });
      const others = await rulesOf(scratch, 0);
      expect(others).not.toEqual([]);
      const besides = new Set(await scratch.namespace.pids());

      const { helperPid } = await hold(scratch, { ...options, behind: HOSTILE_TERMS, isBusy: true });
      expect(await rulesOf(scratch, ALICE.id)).not.toEqual([]);
      await expectUsualTerms(helperPid);
      for (const signal of ['SIGINT', 'SIGTSTP', 'SIGUSR1', 'SIGALRM', 'SIGXCPU', 'SIGPROF'] as const)
        process.kill(helperPid, signal);
      // More CPU time than it was given.
      const usedUp = async (): Promise<boolean> => !CAN_RAISE || (await cpuTimeOf(helperPid)) > 2;
      await until(usedUp, { deadlineMs: 40_000, what: 'the CPU time used up' });
      await until(async () => /^SigBlk:.*[0-37-9b-f]...$/m.test(await statusOf(helperPid)), {
        deadlineMs: 5_000,
        what: 'SIGTERM not blocked, but for the moments in which it starts a tool',
      });
      expect(await statusOf(helperPid)).toMatch(/^State:\t[RSD]/m);
      expect(await rulesOf(scratch, ALICE.id)).not.toEqual([]);

      if (options.onlyIptables !== true) await killAll(scratch, besides);
      else process.kill(helperPid, 'SIGKILL');
      await until(async () => (await rulesOf(scratch, ALICE.id)).length === 0, GONE);
      expect(await rulesOf(scratch, 0)).toEqual(others);
      other.main.kill('SIGTERM');
      expect((await other.main.exited).code).toBe(0);
      await until(async () => (await scratch.namespace.pids()).length === 0, {
        deadlineMs: 5_000,
        what: 'no process left',
      });
      expect(await scratch.ourRules()).toEqual([]);
    });
  }

  it('whose sudo kills the helper at a time of its choice: its rules go, where there is only iptables, too', async () => {
    for (const options of [
      { candidate: 'libnftables' },
      { candidate: 'iptables', onlyIptables: true },
    ] as const) {
      await using scratch = await createScratch();
      const behind = ['perl', 'test/lab/intercept/hostile-terms.pl', '4'];
      const { main } = await hold(scratch, { ...options, behind });
      expect(await rulesOf(scratch, ALICE.id)).not.toEqual([]);
      await main.untilOutput(/lost ERR_HELPER_LOST/, 20_000);
      await until(async () => (await scratch.ourRules()).length === 0, GONE);
    }
  });

  it('where there is only iptables: the helper does not go on without the one that would remove its rules', async () => {
    await using scratch = await createScratch();
    const { main, helperPid } = await hold(scratch, { candidate: 'iptables', onlyIptables: true });
    const guardian = await guardianOf(helperPid);
    expect(await statusOf(guardian!)).toMatch(/^Uid:\t0\t0\t0\t0$/m);
    expect(await readFile(`/proc/${guardian}/oom_score_adj`, 'utf8')).toBe(CAN_RAISE ? '-1000\n' : '0\n');
    process.kill(guardian!, 'SIGTERM');
    process.kill(guardian!, 'SIGKILL');
    await main.untilOutput(/lost ERR_HELPER_LOST/);
    await until(async () => (await scratch.ourRules()).length === 0, GONE);
  });
});

/** What the helper has of those who started it is what any program of root's has. */
async function expectUsualTerms(pid: number): Promise<void> {
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
  expect(limits).toMatch(/^Max cpu time +unlimited +unlimited/m);
  for (const limit of ['file size', 'data size', 'stack size', 'processes', 'locked memory', 'address space'])
    if (CAN_RAISE) expect(limits).toMatch(new RegExp(`^Max ${limit} +unlimited +unlimited`, 'm'));
  if (CAN_RAISE) expect(limits).toMatch(/^Max open files +(?:4096|[5-9]\d{3}|\d{5,}) /m);
  expect(limits).toMatch(/^Max core file size +0 +0 /m);
  const status = await statusOf(pid);
  expect(status).toMatch(/^Umask:\t0022$/m);
  expect(status).not.toMatch(/^Cpus_allowed_list:\t0$/m);
  expect(await readlink(`/proc/${pid}/cwd`)).toBe('/');
  expect(await readFile(`/proc/${pid}/oom_score_adj`, 'utf8')).toBe('0\n');
  expect(await readFile(`/proc/${pid}/timerslack_ns`, 'utf8')).toBe('50000\n');
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    expect([fields[16], fields[38]], 'nice value and policy').toEqual(['0', '0']);
  }
}
