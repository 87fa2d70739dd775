import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startHelper } from '../../../../src/intercept/client/client.ts';
import { type PfPlatform, pfAnchor } from '../../../../src/intercept/rules/pf/pf-anchor.ts';
import type { RedirectPlan } from '../../../../src/intercept/rules/redirect-plan.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { FakePf } from '../../../support/pf/fake-pf.ts';
import { openPfPrograms } from '../../../support/pf/pf-programs.ts';
import { buildModule } from '../../../support/process/built-module.ts';
import { Child } from '../../../support/process/child.ts';
import { until } from '../../../support/process/until.ts';

/**
 *     main ── helper ── pfctl, and the guardian
 *
 * Whichever of them is killed with SIGKILL: nothing of ours is left in pf. All are processes of the product's code; what is not is pf.
 */
const FOLDER = 'test/component/intercept/pf';
const [HELPER, GUARDIAN, MAIN] = await Promise.all(
  ['helper', 'guardian', 'main'].map(async (name) =>
    resolve(await buildModule(`${FOLDER}/pf-${name}.entry.mjs`)),
  ),
);

/** No measure of ours: where nothing is undone at all, a test has to end. What is held against "within 2 s" is {@link watchUndoing}'s. */
const SOON = { deadlineMs: 15_000 } as const;

/** Seven processes of Node.js start, one after the other: 14 s with a load of 16. */
const SEVEN_STARTS_MS = 60_000;

const GONE_WITHIN_MS = 2_000;

/** More than pfctl(8) takes, which is some ms, and than the fake's, a program of Perl, where the machine has nothing else to do. */
const COMMAND_MS = 50;

function planFor(listenerPort: number): RedirectPlan {
  const intervals4 = [{ first: '203.0.113.0', last: '203.0.113.255', action: 'capture' }] as const;
  return {
    listenerPort,
    families: [4, 6],
    groups: [{ ports: { first: 1, last: 65_535 }, intervals4, intervals6: [] }],
    exempt: [],
    dns: null,
    replies: 'plain',
    only: null,
    udp: 'direct',
    resolverFiles: { zones: [`zone-${listenerPort}.example`, 'both.example'], port: 12_353 },
    alsoFrom: null,
    tmark: null,
  };
}

/** A machine with that pf, whose programs are in a folder. */
async function machineWith(platform: PfPlatform) {
  const folder = mkdtempSync(join(tmpdir(), 'tshuttle-pf-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const fake = FakePf.create(folder, platform);
  const programs = await openPfPrograms(fake);
  onTestFinished(() => programs[Symbol.asyncDispose]());
  const guardian = pathToFileURL(GUARDIAN!).href;
  const file = join(folder, 'guardian.mjs');
  writeFileSync(file, `import { watch } from '${guardian}';\nwatch('${folder}');\n`);
  // When all is undone it looks once more, in this folder: it ends first, while its pf still answers.
  onTestFinished(async () => {
    programs.goOn();
    await until(() => !isRunning(file), { ...SOON, what: 'the guardian has ended' });
  });
  return { fake, programs };
}

/** Whether a process has a program of this path. */
function isRunning(program: string): boolean {
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(program);
    } catch {
      return false; // It has just ended.
    }
  });
}

const commandOn = (fake: FakePf): readonly string[] => [process.execPath, HELPER!, fake.folder];

/** Main with its helper; all of them end with the test, whatever becomes of it. */
async function start(fake: FakePf, listenerPort = 12_300) {
  const argument = JSON.stringify({ command: commandOn(fake), plan: planFor(listenerPort) });
  const main = new Child([process.execPath, MAIN!, argument]);
  const [, pid] = await main.untilOutput(/helper (\d+)/);
  const helperPid = Number(pid);
  onTestFinished(() => {
    main.kill('SIGKILL');
    kill(helperPid);
  });
  return { main, helperPid, guardianPid: () => guardianOf(helperPid) };
}

async function hold(fake: FakePf, listenerPort = 12_300) {
  const started = await start(fake, listenerPort);
  await started.main.untilOutput(/holding/);
  expect(fake.ours().join()).toContain(`tshuttle-${process.getuid?.()}-${listenerPort}`);
  if (fake.kernel.platform === 'darwin') expect(zoneFiles(fake)).toContain(`zone-${listenerPort}.example`);
  return started;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function guardianOf(helperPid: number): number {
  const children = readFileSync(`/proc/${helperPid}/task/${helperPid}/children`, 'utf8').trim().split(' ');
  const guardian = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('guardian'));
  return Number(guardian);
}

const records = (fake: FakePf): string[] =>
  readdirSync(join(fake.folder, 'run')).filter((name) => name !== 'lock');

const zoneFiles = (fake: FakePf): string[] => {
  const folder = join(fake.folder, 'resolver');
  return existsSync(folder) ? readdirSync(folder) : [];
};

/** What the guardian has done so far: `waits 5 ms`, `cleans up`. */
function guardianSteps(fake: FakePf): string[] {
  const file = join(fake.folder, 'guardian-steps');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

/**
 * Begins before a kill, and waits then until nothing of ours is left. That this is within 2 s is held against what is done meanwhile, not
 * against a clock: a machine that is busy with other things makes it slower, and no more of it. Between these steps nobody waits: the
 * helper and the guardian learn by the end of a pipe.
 */
function watchUndoing(fake: FakePf): (by?: 'helper' | 'guardian') => Promise<void> {
  const before = fake.kernel.commands.length;
  return async (by = 'guardian') => {
    const left = (): string[] => [...fake.ours(), ...records(fake), ...zoneFiles(fake)];
    await until(() => left().length === 0, { ...SOON, what: () => left().join(', ') });
    const commands = fake.kernel.commands.slice(before);
    const steps = guardianSteps(fake);
    expect(steps.includes('cleans up'), steps.join()).toBe(by === 'guardian');
    const waitedMs = steps.reduce((sum, step) => sum + Number(/^waits (\d+) ms$/.exec(step)?.[1] ?? 0), 0);
    const what = `${waitedMs} ms of waits, ${commands.length} commands: ${commands.join(', ')}`;
    expect(waitedMs + COMMAND_MS * commands.length, what).toBeLessThan(GONE_WITHIN_MS);
    expect(
      steps.filter((step) => !['waits 5 ms', 'cleans up'].includes(step)),
      'no second attempt',
    ).toEqual([]);
  };
}

describe.each(['darwin', 'freebsd'] as const)('on %s, killed', (platform) => {
  it('main: the helper undoes all', async () => {
    const { fake } = await machineWith(platform);
    const { main } = await hold(fake);
    const untilUndone = watchUndoing(fake);
    main.kill('SIGKILL');
    await untilUndone('helper');
    expect(fake.kernel.isEnabled).toBe(platform === 'freebsd');
  });

  it('the helper: its guardian undoes all, and main learns of it', async () => {
    const { fake } = await machineWith(platform);
    const { main, helperPid } = await hold(fake);
    const untilUndone = watchUndoing(fake);
    kill(helperPid);
    await main.untilOutput(/lost ERR_HELPER_LOST/);
    await untilUndone();
    expect(fake.kernel.isEnabled).toBe(platform === 'freebsd');
  });

  it('both at once', async () => {
    const { fake } = await machineWith(platform);
    const { main, helperPid } = await hold(fake);
    const untilUndone = watchUndoing(fake);
    process.kill(helperPid, 'SIGSTOP');
    main.kill('SIGKILL');
    kill(helperPid);
    await untilUndone();
  });

  it(
    'all, the guardian too: the next start undoes it, and nothing of a living instance',
    async () => {
      const { fake } = await machineWith(platform);
      const dead = await hold(fake);
      const living = await hold(fake, 12_400);
      const guardianPid = dead.guardianPid();
      process.kill(dead.helperPid, 'SIGSTOP');
      for (const pid of [guardianPid, dead.helperPid]) kill(pid);
      dead.main.kill('SIGKILL');
      await dead.main.exited;
      expect(fake.ours().join()).toContain('12300');
      const next = await startHelper({ command: commandOn(fake), logger: recordingLogger() });
      onTestFinished(() => next.close());
      const name = (port: number): string =>
        pfAnchor({ userId: process.getuid?.() ?? 0, listenerPort: port }, platform);
      expect(await next.call({ type: 'cleanup' })).toMatchObject({
        report: {
          removed: [`pf anchor ${name(12_300)}`],
          kept: [`pf anchor ${name(12_400)} (its instance is running)`],
          failed: [],
          unread: [],
        },
      });
      expect(fake.ours().join()).not.toContain('12300');
      expect(fake.ours().join()).toContain('12400');
      expect(fake.ours()).toContain('alias of lo0');
      const untilUndone = watchUndoing(fake);
      living.main.kill('SIGKILL');
      await untilUndone('helper');
    },
    SEVEN_STARTS_MS,
  );

  it('the helper, while pfctl is still about to load its rules', async () => {
    const { fake, programs } = await machineWith(platform);
    programs.stall();
    const { main, helperPid } = await start(fake);
    await until(() => programs.waiting.length > 0, { ...SOON, what: 'pfctl loads rules' });
    const anchor = pfAnchor({ userId: process.getuid?.() ?? 0, listenerPort: 12_300 }, platform);
    const untilUndone = watchUndoing(fake);
    kill(helperPid);
    // The guardian has undone what there was, and waits for the tool.
    await until(() => records(fake).length === 0, { ...SOON, what: 'the record is gone' });
    programs.goOn();
    await until(() => fake.kernel.commands.some((command) => command === `pfctl -a ${anchor} -f -`), {
      ...SOON,
      what: 'the rules of a dead helper are loaded',
    });
    await untilUndone();
    main.kill('SIGKILL');
  });
});
