import { existsSync } from 'node:fs';
import { chown, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import {
  expectNothingLeft,
  runTshuttle,
  startTshuttle,
  type TshuttleOptions,
  tshuttleArgv,
  tshuttleProcesses,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client: node --import preload bin/tshuttle ── bastion ── destination 10.77.0.2
 *
 * The preload keeps the event loop as soon as a file is there, in the way that the file says: as a peer could by a loop of ours that
 * never ends.
 */

const SUBNET = `${ADDRESSES.destination4}/32`;

/** More processor time than a loop may be blocked for, in ms. */
const LONG_MS = 6_000;

const PRELOAD = `
  import { readFileSync, writeFileSync } from 'node:fs';
  const usedMs = () => Object.values(process.cpuUsage()).reduce((sum, us) => sum + us / 1000, 0);
  const burn = (ms) => {
    for (const end = usedMs() + ms; usedMs() < end; );
  };
  const WAYS = {
    'promises': async () => { for (;;) await undefined; },
    'a wait': () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
    'an expression': () => /^(a+)+$/.test('a'.repeat(50) + 'b'),
    'work in turns': () => {
      const end = usedMs() + ${LONG_MS};
      const turn = () => {
        burn(300);
        if (usedMs() < end) setImmediate(turn);
        else console.error('worked');
      };
      turn();
    },
  };
  if (process.argv[1]?.endsWith('/tshuttle')) {
    const look = setInterval(() => {
      let way = '';
      try {
        way = readFileSync(process.env.BLOCK_WHEN, 'utf8');
      } catch {}
      if (WAYS[way] === undefined) return;
      clearInterval(look);
      writeFileSync(process.env.BLOCK_WHEN + '-begun', '');
      WAYS[way]();
    }, 20);
    look.unref();
  }
`;

/** Without the preload. */
const PLAIN: TshuttleOptions = { user: ORDINARY_USER.name };

describe.skipIf(skipLab)('a process that hears nothing', () => {
  let lab: Lab;
  let options: TshuttleOptions;
  let blockWhen: string;
  let count = 0;

  beforeAll(async () => {
    lab = await createLab();
    const preload = join(lab.machine.homeOf(ORDINARY_USER.name), 'preload.mjs');
    await writeFile(preload, PRELOAD, { mode: 0o644 });
    await chown(preload, ORDINARY_USER.id, ORDINARY_USER.id);
  });
  beforeEach(() => {
    count += 1;
    const home = lab.machine.homeOf(ORDINARY_USER.name);
    blockWhen = join(home, `block-${count}`);
    const env = { NODE_OPTIONS: `--import=${join(home, 'preload.mjs')}`, BLOCK_WHEN: blockWhen };
    // The processor time that ends it may take long to come by, on a busy machine.
    options = { user: ORDINARY_USER.name, env, timeoutMs: 90_000 };
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const block = (way: string): Promise<void> => writeFile(blockWhen, way, { mode: 0o644 });

  async function untilBlocked(way: string): Promise<void> {
    await block(way);
    await until(() => existsSync(`${blockWhen}-begun`), {
      deadlineMs: 30_000,
      what: () => `blocked by ${way}`,
    });
  }

  it.each(['promises', 'an expression'])(
    'blocked by %s: SIGTERM is not heard, and it ends all the same, without its rules',
    async (way) => {
      const tshuttle = await startTshuttle(lab, [SUBNET], options);
      await untilBlocked(way);
      const { main } = await tshuttleProcesses(lab);
      const before = await processorMs(main);
      tshuttle.kill('SIGTERM');
      let after = before;
      await until(
        async () => {
          after = await processorMs(main).catch(() => after);
          return !tshuttle.isRunning;
        },
        { deadlineMs: 80_000, what: () => `tshuttle ends: it has used ${after - before} ms` },
      );
      const { signal, stderr } = await tshuttle.exited;
      expect(signal, stderr).toBe('SIGVTALRM');
      expect(after - before).toBeLessThan(5_500);
      await expectNothingLeft(lab);
    },
    100_000,
  );

  it('is not one that works in turns, nor one whose command works', async () => {
    const [node = '', script = '', ...words] = tshuttleArgv(lab, [], options);
    const burn = `const used = () => Object.values(process.cpuUsage()).reduce((a, b) => a + b); while (used() < ${LONG_MS * 1_000});`;
    const goOn = `${blockWhen}-over`;
    const command = ['sh', '-c', `node -e '${burn}'; until [ -e ${goOn} ]; do sleep 0.1; done; echo burnt`];
    await block('work in turns');
    const tshuttle = lab.client.spawn([node, script, 'run', ...words, SUBNET, '--', ...command], options);
    await tshuttle.untilOutput(/worked/, 80_000);
    await writeFile(goOn, '');
    const { code, stdout, stderr } = await tshuttle.exited;
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('burnt');
    await expectNothingLeft(lab);
  }, 100_000);

  /** @returns its process id */
  async function startDaemon(name: string): Promise<number> {
    const pidFile = join(lab.machine.homeOf(ORDINARY_USER.name), `${name}.pid`);
    const started = await runTshuttle(lab, ['-D', '--pidfile', pidFile, SUBNET], options);
    expect(started, started.stderr).toMatchObject({ code: 0 });
    return Number(await readFile(pidFile, 'utf8'));
  }

  async function down(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await lab.client.exec(['node', 'bin/tshuttle', 'down', ...words], PLAIN);
    expect(code, stderr).toBe(0);
    expect(await lab.client.rules()).not.toContain('tshuttle');
    await expectNothingLeft(lab);
    return stdout;
  }

  it('a daemon that is stopped: down by its name continues it, and it ends in order', async () => {
    const pid = await startDaemon('asleep');
    process.kill(pid, 'SIGSTOP');
    const shown = await lab.client.exec(['node', 'bin/tshuttle', 'status'], PLAIN);
    expect(shown).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(
        new RegExp(`process ${pid}: .*does not answer\\n +-> .*tshuttle down --all`),
      ),
    });
    expect(await down('asleep')).toBe(
      `tshuttle: process ${pid} has ended with all its tunnels, and its rules are gone: the daemon is not to be reached: it does not answer\n`,
    );
    const log = await lab.client.must(
      ['sh', '-c', `cat ${lab.machine.homeOf(ORDINARY_USER.name)}/.local/state/tshuttle/asleep.log`],
      PLAIN,
    );
    expect(log.trim().split('\n').at(-1)).toMatch(/stop|end|gone/i);
  }, 100_000);

  it('a daemon by what takes no processor time: down --all kills it, and its rules are gone when that returns', async () => {
    const pid = await startDaemon('gone');
    await untilBlocked('a wait');
    const startedAtMs = performance.now();
    expect(JSON.parse(await down('--all', '--json'))).toEqual([{ name: `process ${pid}`, state: 'killed' }]);
    expect(performance.now() - startedAtMs).toBeLessThan(20_000);
  }, 100_000);
});

/** What a process has used of the processors, in ms: utime and stime of proc(5), of 1/100 s. */
async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}
