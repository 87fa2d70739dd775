import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deferred } from '../../../src/core/deferred.ts';
import {
  openRestartingInterceptor,
  type RestartingInterceptor,
} from '../../../src/intercept/restarting-interceptor.ts';
import type { RedirectPlan } from '../../../src/intercept/rules/redirect-plan.ts';
import { makeEndpoint } from '../../../src/net/address/endpoint.ts';
import { recordingLogger } from '../../support/in-process/recording-logger.ts';
import { until } from '../../support/process/until.ts';
import { writeProgram } from '../../support/process/write-program.ts';

const FAKE_HELPER = fileURLToPath(new URL('./fake-helper.entry.mjs', import.meta.url));
const PLAN: RedirectPlan = {
  listenerPort: 12_300,
  families: [4],
  groups: [],
  exempt: [],
  dns: null,
  replies: 'plain',
  only: null,
  udp: 'direct',
  resolverFiles: null,
  alsoFrom: null,
  tmark: null,
};
const ROUTE = { address: '198.18.0.0', prefixLength: 19 };
const OTHER_ROUTE = { address: '198.18.64.0', prefixLength: 19 };

function endpoint(address: string) {
  const made = makeEndpoint(address, 22);
  if (made === undefined) throw new Error(address);
  return made;
}

let folder: string;
let opened: RestartingInterceptor | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tshuttle-lasting-'));
  opened = undefined;
});
afterEach(async () => {
  await opened?.close();
  await rm(folder, { recursive: true });
});

/** Opens one whose helper is started by `program`, and says in which order what had to come first. */
async function orderOfStart(program: string) {
  const order: string[] = [];
  const holds = deferred<void>();
  const journal = join(folder, 'journal');
  const opening = openRestartingInterceptor({
    method: 'auto',
    logger: recordingLogger(),
    command: [program, FAKE_HELPER, 'good', journal],
    beforePrompt: holds.promise.then(() => order.push('the configuration holds')),
    onPrompted: () => order.push(existsSync(journal) ? 'nobody is asked any more' : 'nobody is asked'),
  });
  setImmediate(() => holds.resolve());
  opened = await opening;
  return order;
}

/** Opens one over helpers that only write down what they are asked. */
async function open(behaviour = 'good', program: readonly string[] = [process.execPath]) {
  const logger = recordingLogger();
  const journal = join(folder, 'journal');
  const command = [...program, FAKE_HELPER, behaviour, journal];
  const interceptor = await openRestartingInterceptor({ method: 'auto', logger, command });
  opened = interceptor;
  /** What each helper was asked, one after the other. */
  const helpers = () => {
    const entries = readFileSync(journal, 'utf8').trim().split('\n');
    const asked = new Map<number, Array<Record<string, unknown>>>();
    for (const entry of entries) {
      const { pid, id: _id, ...request } = JSON.parse(entry);
      if (request.type === 'start') asked.set(pid, []);
      else asked.get(pid)?.push(request);
    }
    return [...asked].map(([pid, requests]) => ({ pid, requests }));
  };
  const killTheLatest = () => process.kill(helpers().at(-1)?.pid ?? 0, 'SIGKILL');
  const untilBack = (times: number) =>
    until(() => logger.lines.filter((line) => line.includes('its rules are back')).length === times, {
      deadlineMs: 10_000,
      what: () => `back ${times} times: ${logger.lines.join('\n')}`,
    });
  return { interceptor, logger, helpers, killTheLatest, untilBack };
}

/** A sudo that runs what it is given, and where `-n` is given only if `refusal` is undefined. */
function fakeSudo(refusal?: string): string {
  const path = join(folder, 'sudo');
  const refuse = refusal === undefined ? 'shift' : `echo '${refusal}' >&2; exit 1`;
  const text = `#!/bin/sh\nif [ "$1" = -n ]; then ${refuse}; fi\nexec '${process.execPath}' "$@"\n`;
  writeProgram(path, text);
  return path;
}

describe('a lasting interceptor', () => {
  it('lets others ask at once where the helper asks nobody', async () => {
    expect(await orderOfStart(process.execPath)).toEqual(['nobody is asked', 'the configuration holds']);
  });

  it('has sudo ask first, and only when the configuration holds', async () => {
    expect(await orderOfStart(fakeSudo())).toEqual(['the configuration holds', 'nobody is asked any more']);
  });

  it('has sudo ask nobody for a configuration that does not hold', async () => {
    const sudo = fakeSudo();
    const command = [sudo, FAKE_HELPER, 'good', join(folder, 'journal')];
    const beforePrompt = Promise.reject(new Error('no such host'));
    const opening = openRestartingInterceptor({
      method: 'auto',
      logger: recordingLogger(),
      command,
      beforePrompt,
    });
    await expect(opening).rejects.toThrow('no such host');
    expect(existsSync(join(folder, 'journal'))).toBe(false);
  });

  it('has another helper bring about what was in force, the latest of everything', async () => {
    const { interceptor, logger, helpers, killTheLatest, untilBack } = await open();
    await interceptor.addRoute(ROUTE);
    await interceptor.addRoute(OTHER_ROUTE);
    await interceptor.apply({ ...PLAN, exempt: [endpoint('192.0.2.1')] });
    const latest = { ...PLAN, families: [4, 6] as const };
    await interceptor.apply({ ...latest, exempt: [endpoint('192.0.2.1')] });
    await interceptor.apply({ ...latest, exempt: [endpoint('192.0.2.2')] });
    expect(interceptor.rulesGone).toBeUndefined();
    const killedAtMs = Date.now();
    killTheLatest();
    const gone = await until(() => interceptor.rulesGone, {
      deadlineMs: 10_000,
      what: 'it says that there are no rules',
    });
    expect(gone.cause).toBe('helper ended');
    expect(gone.sinceMs).toBeGreaterThanOrEqual(killedAtMs);
    await untilBack(1);
    expect(interceptor.rulesGone).toBeUndefined();
    expect(helpers()).toHaveLength(2);
    expect(helpers()[1]?.requests).toEqual([
      { type: 'cleanup' },
      { type: 'use', candidate: 'libnftables' },
      { type: 'route', network: ROUTE },
      { type: 'route', network: OTHER_ROUTE },
      { type: 'apply', plan: { ...latest, exempt: [endpoint('192.0.2.2')] } },
    ]);
    expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([
      expect.stringMatching(/signal SIGKILL; another one runs, and its rules are back after \d\.\d s/),
    ]);
  });

  it('sets nothing that was not set before', async () => {
    const { helpers, killTheLatest, untilBack } = await open();
    killTheLatest();
    await untilBack(1);
    expect(helpers()[1]?.requests.map(({ type }) => type)).toEqual(['cleanup', 'use']);
  });

  it('has the next helper do what the last one died over', async () => {
    const { interceptor, helpers, killTheLatest } = await open();
    await interceptor.apply(PLAN);
    killTheLatest();
    const plan = { ...PLAN, exempt: [endpoint('192.0.2.3')] };
    await interceptor.apply(plan);
    const last = helpers().at(-1)?.requests.at(-1);
    expect(last).toEqual({ type: 'apply', plan });
    expect(helpers()).toHaveLength(2);
  });

  it('is lost when helpers end again and again', async () => {
    const { interceptor, helpers } = await open('dies-when-looking');
    await interceptor.apply(PLAN);
    const failed = expect(interceptor.look()).rejects.toMatchObject({ code: 'ERR_HELPER_LOST' });
    expect(await interceptor.lost).toMatchObject({
      code: 'ERR_HELPER_LOST',
      message: expect.stringMatching(/not started again: it ended 3 times within 10 s/),
    });
    await failed;
    expect(helpers()).toHaveLength(3);
    await expect(interceptor.apply(PLAN)).rejects.toMatchObject({ code: 'ERR_HELPER_LOST' });
  });

  it('asks sudo not to ask', async () => {
    const { killTheLatest, untilBack } = await open('good', [fakeSudo()]);
    killTheLatest();
    await untilBack(1);
  });

  it('is lost where sudo would ask', async () => {
    const sudo = fakeSudo('sudo: a password is required');
    const { interceptor, killTheLatest } = await open('good', [sudo]);
    killTheLatest();
    expect(await interceptor.lost).toMatchObject({
      code: 'ERR_HELPER_LOST',
      message: expect.stringMatching(/not started again: .*a password is required/),
      remedy: expect.stringContaining('tshuttle sudoers --install'),
    });
  });

  it('leaves no helper when it is closed while one starts', async () => {
    const { interceptor, helpers, killTheLatest } = await open();
    killTheLatest();
    await until(() => helpers().length === 2, { deadlineMs: 10_000, what: 'another helper' });
    await interceptor.close();
    const pid = helpers().at(-1)?.pid ?? 0;
    await until(() => !isRunning(pid), { deadlineMs: 5_000, what: 'it has ended' });
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
