import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { startHelper } from '../../../src/intercept/client/client.ts';
import { cleanupDeadInstances, openInterceptor } from '../../../src/intercept/helper-interceptor.ts';
import type { Candidate } from '../../../src/intercept/rules/redirect-methods.ts';

import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { buildModule } from '../../support/process/built-module.ts';
import type { Child } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { createScratch, guardianOf, planFor, type Scratch, SILENT } from './scratch.ts';

/**
 *     main (holder.entry.mjs) ── sudo ── helper ── (nft -i)
 *
 * Whichever of them is killed with SIGKILL: no rule and no process of ours is left 2 s later.
 */
const PORT = 12_300;
const GONE = { deadlineMs: 2_000, what: 'no rule and no process of ours left' } as const;

const HOLDER = await buildModule('test/lab/intercept/holder.entry.mjs');

interface Holder {
  readonly main: Child;
  readonly helperPid: number;
}

async function hold(
  scratch: Scratch,
  candidate: Candidate,
  user: string,
  listenerPort = PORT,
): Promise<Holder> {
  const plan = planFor(listenerPort, '203.0.113.0', '203.0.113.255');
  const argv = ['node', HOLDER, JSON.stringify({ candidate, plan })];
  const main = scratch.namespace.spawn(argv, { user });
  const [, pid] = await main.untilOutput(/holding (\d+)/);
  expect(await scratch.ourRules()).not.toEqual([]);
  return { main, helperPid: Number(pid) };
}

async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
}

/** The processes between main and helper: sudo, which may be two. */
async function sudosOf({ main, helperPid }: Holder): Promise<number[]> {
  const pids: number[] = [];
  for (let pid = await parentOf(helperPid); pid !== main.pid && pid > 1; pid = await parentOf(pid))
    pids.push(pid);
  expect(pids.length).toBeGreaterThan(0);
  return pids;
}

/** The one that would remove the rules before all, or it would. */
async function killAll({ main, helperPid }: Holder): Promise<void> {
  const guardian = await guardianOf(helperPid);
  process.kill(helperPid, 'SIGSTOP');
  for (const pid of [guardian!, main.pid, helperPid]) process.kill(pid, 'SIGKILL');
}

async function isEmpty(scratch: Scratch): Promise<boolean> {
  // One after the other: listing the rules runs processes in the namespace.
  const pids = await scratch.namespace.pids();
  return pids.length === 0 && (await scratch.ourRules()).length === 0;
}

describe.skipIf(skipLab)('killed with SIGKILL', () => {
  for (const candidate of [
    'libnftables',
    'libnftables-unowned',
    'iptables',
    'iptables-legacy',
    'tproxy',
  ] as const) {
    it(`main, with ${candidate}: the rules go`, async () => {
      await using scratch = await createScratch();
      const { main } = await hold(scratch, candidate, 'root');
      main.kill('SIGKILL');
      await until(() => isEmpty(scratch), GONE);
    });
  }

  for (const candidate of ['libnftables', 'libnftables-unowned', 'iptables', 'tproxy'] as const) {
    it(`the helper, with ${candidate}: the rules go, and main learns of it`, async () => {
      await using scratch = await createScratch();
      const { main, helperPid } = await hold(scratch, candidate, 'root');
      process.kill(helperPid, 'SIGKILL');
      await main.untilOutput(/lost ERR_HELPER_LOST/);
      await until(() => isEmpty(scratch), GONE);
    });
  }

  for (const candidate of ['libnftables'] as const) {
    it(`sudo, with ${candidate}: the rules go`, async () => {
      await using scratch = await createScratch();
      const holder = await hold(scratch, candidate, ORDINARY_USER.name);
      for (const pid of await sudosOf(holder)) process.kill(pid, 'SIGKILL');
      await until(() => isEmpty(scratch), GONE);
    });

    it(`everything at once, with ${candidate}: the rules go`, async () => {
      await using scratch = await createScratch();
      await hold(scratch, candidate, ORDINARY_USER.name);
      for (const pid of await scratch.namespace.pids()) process.kill(pid, 'SIGKILL');
      await until(() => isEmpty(scratch), GONE);
    });
  }

  for (const [candidate, ofDead, ofLiving] of [
    ['iptables', /12300/, /12400/],
    ['iptables-legacy', /12300/, /12400/],
    ['libnftables-unowned', /12300/, /12400/],
    // Their first and their second mark.
    ['tproxy', /\b0x0?1000000\b/, /\b0x0?2000000\b/],
  ] as const) {
    it(`everything, with ${candidate}: clean-up removes what is left, and nothing of a living instance`, async () => {
      await using scratch = await createScratch();
      const dead = await hold(scratch, candidate, 'root');
      const living = await hold(scratch, candidate, 'root', 12_400);
      await killAll(dead);
      await dead.main.exited;
      expect((await scratch.ourRules()).join()).toMatch(ofDead);

      const report = await cleanupDeadInstances({ logger: SILENT, command: scratch.helperCommand });
      expect(report.removed.join()).toMatch(ofDead);
      expect(report.kept.join()).toMatch(ofLiving);
      const left = (await scratch.ourRules()).join();
      expect(left).not.toMatch(ofDead);
      expect(left).toMatch(ofLiving);
      living.main.kill('SIGTERM');
      await until(() => isEmpty(scratch), GONE);
    });
  }

  for (const candidate of ['iptables', 'iptables-legacy', 'libnftables-unowned'] as const) {
    it(`everything, with ${candidate}: the next start removes what is left`, async () => {
      await using scratch = await createScratch();
      const dead = await hold(scratch, candidate, 'root');
      await killAll(dead);
      await dead.main.exited;
      const interceptor = await openInterceptor({
        method: 'auto',
        logger: SILENT,
        command: scratch.helperCommand,
      });
      expect(await scratch.ourRules()).toEqual([]);
      await interceptor.close();
    });
  }
});

describe.skipIf(skipLab)('a second instance of the same user with the same port', () => {
  for (const candidate of ['libnftables', 'libnftables-unowned', 'iptables', 'tproxy'] as const) {
    it(`by ${candidate}: does not replace the rules of the first`, async () => {
      await using scratch = await createScratch();
      const first = await scratch.openHelper(candidate);
      const plan = planFor(PORT, '203.0.113.0', '203.0.113.255');
      await first.call({ type: 'apply', plan });
      const second = await scratch.openHelper(candidate);
      await expect(second.call({ type: 'apply', plan })).rejects.toThrow(
        /another tunnel of this user|not permitted/,
      );
      await second.close();
      expect(await scratch.ourRules()).not.toEqual([]);
    });
  }
});

describe.skipIf(skipLab)('asked to end', () => {
  it('main with SIGTERM: no rule and no process is left', async () => {
    await using scratch = await createScratch();
    const { main } = await hold(scratch, 'libnftables', ORDINARY_USER.name);
    main.kill('SIGTERM');
    expect((await main.exited).code).toBe(0);
    expect(await isEmpty(scratch)).toBe(true);
  });

  for (const candidate of ['libnftables', 'libnftables-unowned', 'iptables'] as const) {
    it(`the helper with SIGTERM, with ${candidate}: it removes its rules itself`, async () => {
      await using scratch = await createScratch();
      const { main, helperPid } = await hold(scratch, candidate, 'root');
      process.kill(helperPid, 'SIGTERM');
      await main.untilOutput(/lost ERR_HELPER_LOST/);
      await until(() => isEmpty(scratch), GONE);
    });
  }

  it('the helper with SIGINT, SIGHUP and SIGPIPE: it leaves that to main', async () => {
    await using scratch = await createScratch();
    const helper = await scratch.openHelper('libnftables');
    await helper.call({ type: 'apply', plan: planFor(PORT, '203.0.113.0', '203.0.113.255') });
    for (const signal of ['SIGINT', 'SIGHUP', 'SIGPIPE'] as const) process.kill(helper.pid, signal);
    await helper.call({ type: 'look' });
    expect(await scratch.ourRules()).toEqual([`table inet tshuttle-0-${PORT}`]);
  });
});

describe.skipIf(skipLab)('an error in the helper that nobody has caught', () => {
  it.each(['libnftables', 'iptables'] as const)(
    'with %s: the rules go, it is told with its stack, and the status is 70',
    async (candidate) => {
      await using scratch = await createScratch();
      const bug = 'process.on("SIGUSR2", () => { throw new Error("planted"); });';
      const [helper = '', ...before] = scratch.helperCommand.toReversed();
      const command = [
        ...before.toReversed(),
        `--import=data:text/javascript,${encodeURIComponent(bug)}`,
        helper,
      ];
      const lines: string[] = [];
      const say = (message: string): void => void lines.push(message);
      const client = await startHelper({ command, logger: { debug: say, info: say, warn: say, error: say } });
      await client.call({ type: 'use', candidate });
      await client.call({ type: 'apply', plan: planFor(PORT, '203.0.113.0', '203.0.113.255') });
      expect(await scratch.ourRules()).not.toEqual([]);
      process.kill(client.pid, 'SIGUSR2');
      expect(await client.lost).toMatchObject({ message: expect.stringMatching(/status 70.*planted/s) });
      expect(lines.join('\n')).toMatch(/internal error: planted[\s\S]*at process\.<anonymous> \(data:/);
      await until(() => isEmpty(scratch), GONE);
      await client.close();
    },
  );
});
