import { EventEmitter } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { TshuttleError } from '../../../src/core/errors.ts';
import { AppliedPlans } from '../../../src/ingress/applied-plans.ts';
import { CapturedCgroups } from '../../../src/ingress/captured-programs.ts';
import type { WatchFolder } from '../../../src/net/machine/cgroup/cgroup-watch.ts';
import { recordingLogger } from '../../support/in-process/recording-logger.ts';
import { SAMPLE_PLANS } from '../intercept/rules/sample-plans.ts';

const plan = SAMPLE_PLANS['both-families']!;

/** Control groups that are folders; what the system tells of them is a call. */
function openCgroups() {
  const root = mkdtempSync(join(tmpdir(), 'tshuttle-cgroups-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const logger = recordingLogger();
  const system: { refusal: string | undefined; tell: () => void } = { refusal: undefined, tell: () => {} };
  const watchFolder: WatchFolder = (_path, onEvent) => {
    if (system.refusal !== undefined) throw Object.assign(new Error('no more'), { code: system.refusal });
    system.tell = () => onEvent(null);
    return Object.assign(new EventEmitter(), { close: () => {} }) as unknown as ReturnType<WatchFolder>;
  };
  const kernel = { applied: 0, error: undefined as Error | undefined };
  const plans = new AppliedPlans({
    apply: async () => {
      if (kernel.error !== undefined) throw kernel.error;
      kernel.applied += 1;
      return { zones: [], udp: null };
    },
  });
  const matches = [{ userId: null, groupId: null, cgroup: 'a.service' }];
  const cgroups = new CapturedCgroups(matches, plans, logger, { findRoot: () => root, watchFolder });
  onTestFinished(() => cgroups.close());
  return { cgroups, plans, kernel, system, logger, make: (name: string) => mkdirSync(join(root, name)) };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

it.each([
  ['ENOSPC', 'sudo sysctl fs.inotify.max_user_watches='],
  ['EMFILE', 'sudo sysctl fs.inotify.max_user_instances='],
  ['EACCES', 'restart the tunnel'],
])(
  'captures what is there where the kernel watches no folder (%s), says so, and asks it again',
  async (code, remedy) => {
    const { cgroups, kernel, system, logger, make } = openCgroups();
    system.refusal = code;
    await cgroups.apply(plan);
    expect(kernel.applied).toBe(1);
    expect(cgroups.problem).toMatchObject({
      cause: 'control-groups',
      what: expect.stringMatching(new RegExp(`\\(${code}\\): what is started in a\\.service`)),
      remedy: expect.stringContaining(remedy),
    });
    expect(logger.lines).toEqual([expect.stringMatching(/^warn the kernel does not tell .* -> /)]);
    system.refusal = undefined;
    make('a.service');
    cgroups.look();
    await turn();
    expect([cgroups.problem, kernel.applied]).toEqual([undefined, 2]);
    expect(logger.lines.slice(1)).toEqual([
      expect.stringMatching(/^warn it is so no longer/),
      'info the control group a.service is new, and captured from now on',
    ]);
  },
);

it('has it told, until the rules are set, that those for a new control group were refused', async () => {
  const { cgroups, plans, kernel, system, make } = openCgroups();
  await cgroups.apply(plan);
  kernel.error = new TshuttleError('ERR_INTERCEPT_APPLY', 'the system refused the redirect rules: busy');
  make('a.service');
  system.tell();
  await turn();
  expect(plans.problem?.what).toContain('busy');
  kernel.error = undefined;
  await cgroups.apply(plan);
  expect(plans.problem).toBeUndefined();
});
