import { chown, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import {
  clientProcesses,
  expectNothingLeft,
  READY,
  runTshuttle,
  type TshuttleOptions,
  tshuttleArgv,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client: node --import preload bin/tshuttle ── bastion ── destination 10.77.0.2
 *
 * The preload throws out of a timer, again and again, as soon as a file is there: a bug of ours that nobody has caught.
 */

const SUBNET = `${ADDRESSES.destination4}/32`;

const PRELOAD = `
  import { existsSync } from 'node:fs';
  if (process.argv[1]?.endsWith('/tshuttle')) {
    let count = 0;
    const plant = () => {
      if (existsSync(process.env.PLANT_WHEN)) throw new Error('planted ' + ++count);
    };
    setInterval(plant, 20).unref();
  }
`;

describe.skipIf(skipLab)('an error that nobody has caught', () => {
  let lab: Lab;
  let options: TshuttleOptions;
  let plantWhen: string;
  let count = 0;

  beforeAll(async () => {
    lab = await createLab();
    const home = lab.machine.homeOf(ORDINARY_USER.name);
    const preload = join(home, 'preload.mjs');
    await writeFile(preload, PRELOAD, { mode: 0o644 });
    await chown(preload, ORDINARY_USER.id, ORDINARY_USER.id);
  });
  beforeEach(() => {
    count += 1;
    const home = lab.machine.homeOf(ORDINARY_USER.name);
    plantWhen = join(home, `plant-${count}`);
    const env = { NODE_OPTIONS: `--import=${join(home, 'preload.mjs')}`, PLANT_WHEN: plantWhen };
    options = { user: ORDINARY_USER.name, env };
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const plant = (): Promise<void> => writeFile(plantWhen, '', { mode: 0o644 });

  /** With its stack, and not as often as it came. */
  function expectTold(log: string): void {
    expect(log).toMatch(/planted 1[\s\S]*at .*preload\.mjs:\d+/);
    expect(log).not.toContain('planted 4');
  }

  it.each([
    ['in the foreground', []],
    ['in the foreground, logging JSON', ['--log-format', 'json']],
  ])('%s: the rules go, it is told with its stack, and the status is 70', async (_what, args) => {
    const tshuttle = lab.client.spawn(tshuttleArgv(lab, [...args, SUBNET], options), options);
    await tshuttle.untilOutput(READY, 30_000);
    expect(await lab.client.rules()).toContain('tshuttle');
    await plant();
    const { code, stderr } = await tshuttle.exited;
    expect(code, stderr).toBe(70);
    expectTold(stderr);
    await expectNothingLeft(lab);
  });

  it('in a daemon: the same, in its log', async () => {
    const started = await runTshuttle(lab, ['-D', '--pidfile', `${plantWhen}.pid`, SUBNET], options);
    expect(started, started.stderr).toMatchObject({ code: 0 });
    const log = /, log (\S+);/.exec(started.stdout)?.[1] ?? '';
    expect((await clientProcesses(lab)).some(({ argv }) => argv[0] === 'tshuttle')).toBe(true);
    await plant();
    await expectNothingLeft(lab);
    expectTold(await readFile(log, 'utf8'));
  });

  it.each([
    ['run', []],
    ['run --rootless', ['--rootless']],
  ])('in %s: the same, and the command does not go on without its tunnel', async (_what, mode) => {
    const [node = '', script = '', ...words] = tshuttleArgv(lab, [], options);
    const command = [
      'sh',
      '-c',
      'trap "echo asked to end; exit 5" TERM; echo ready; while :; do sleep 0.1; done',
    ];
    const argv = [node, script, 'run', ...words, ...mode, SUBNET, '--', ...command];
    const tshuttle = lab.client.spawn(argv, options);
    await tshuttle.untilOutput(/^ready$/m, 30_000);
    await plant();
    const { code, stdout, stderr } = await tshuttle.exited;
    expect(code, stderr).toBe(70);
    expect(stdout).toContain('asked to end');
    expectTold(stderr);
    await expectNothingLeft(lab);
  });
});
