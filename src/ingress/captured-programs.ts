import { messageOf, TshuttleError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Interceptor } from '../intercept/interceptor.ts';
import type { ProgramMatch } from '../intercept/rules/program-match.ts';
import type { RedirectPlan } from '../intercept/rules/redirect-plan.ts';
import { cgroupMount, hasCgroup } from '../net/machine/cgroup/cgroup-mount.ts';
import { type CgroupChange, CgroupWatch, type WatchFolder } from '../net/machine/cgroup/cgroup-watch.ts';
import type { AppliedPlans } from './applied-plans.ts';
import type { CaptureProblem } from './capture-check/capture-problem.ts';
import { listOf } from './capture-check/capture-words.ts';

/** Programs whose connections alone are captured. */
export interface CapturedPrograms {
  readonly matches: readonly ProgramMatch[];
  /** For people. */
  readonly description: string;
}

/** @throws TshuttleError ERR_CONFIG naming each control group that is not there */
export function requireCgroups(matches: readonly ProgramMatch[]): void {
  const cgroups = cgroupsOf(matches);
  if (cgroups.length === 0) return;
  const mount = cgroupMount();
  if (mount === undefined) {
    throw new TshuttleError(
      'ERR_CONFIG',
      'this machine has no control groups below /sys/fs/cgroup (cgroup2)',
      {
        remedy: 'choose programs by --user or --group instead',
      },
    );
  }
  const missing = cgroups.filter((cgroup) => !hasCgroup(mount, cgroup));
  if (missing.length === 0) return;
  throw new TshuttleError('ERR_CONFIG', `there is no control group ${missing.join(', ')} in ${mount.path}`, {
    remedy: 'start what makes it, or name a slice that is always there; systemd-cgls lists them',
  });
}

/** The process, with all that it starts. @throws TshuttleError ERR_INTERCEPT_APPLY when they cannot be told from others */
export async function enclosedProgram(
  interceptor: Pick<Interceptor, 'enclose'>,
  pid: number,
): Promise<CapturedPrograms> {
  const cgroup = await interceptor.enclose(pid);
  return { matches: [{ userId: null, groupId: null, cgroup }], description: 'the command' };
}

/** Whether connections of ours are captured as those of the programs are, so that they tell whether the rules work. */
export function capturesThisProcess(matches: readonly ProgramMatch[] | null): boolean {
  if (matches === null) return true;
  return matches.some(
    ({ userId, groupId, cgroup }) =>
      cgroup === null &&
      (userId === null || userId === process.geteuid?.()) &&
      (groupId === null || groupId === process.getegid?.()),
  );
}

/** What is known of the machine; tests put their own here. */
interface CgroupSurroundings {
  /** Where cgroup2 is mounted. */
  readonly findRoot: () => string | undefined;
  readonly watchFolder?: WatchFolder;
}

/** Applies plans, and applies the last one anew when a control group of it has come, or come back as another. */
export class CapturedCgroups {
  readonly #cgroups: readonly string[];
  readonly #plans: Pick<AppliedPlans, 'apply'>;
  readonly #logger: Logger;
  readonly #surroundings: CgroupSurroundings;
  #watch: CgroupWatch | undefined;
  #last: RedirectPlan | undefined;
  #problem: CaptureProblem | undefined;

  constructor(
    matches: readonly ProgramMatch[] | null,
    plans: Pick<AppliedPlans, 'apply'>,
    logger: Logger,
    surroundings: CgroupSurroundings = { findRoot: () => cgroupMount()?.path },
  ) {
    this.#cgroups = cgroupsOf(matches ?? []);
    this.#plans = plans;
    this.#logger = logger;
    this.#surroundings = surroundings;
  }

  /** That the system does not tell when control groups come and go; undefined as long as it does. */
  get problem(): CaptureProblem | undefined {
    return this.#problem;
  }

  /** See {@link AppliedPlans.apply}. */
  async apply(plan: RedirectPlan): Promise<void> {
    this.#last = plan;
    const { findRoot, watchFolder } = this.#surroundings;
    const root = this.#cgroups.length === 0 ? undefined : findRoot();
    // Before the rules are made, so that no change goes unseen.
    if (root !== undefined) {
      const events = {
        onChange: (cgroup: string, change: CgroupChange) => void this.#changed(cgroup, change),
        onRefused: (code: string | undefined) => this.#refused(code),
      };
      this.#watch ??= new CgroupWatch(root, this.#cgroups, events, watchFolder);
    }
    await this.#plans.apply(plan);
  }

  /** Looks at control groups that the system tells nothing of, and asks it to do so again. */
  look(): void {
    if (this.#problem !== undefined) this.#watch?.look();
  }

  /** Idempotent. */
  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#last = undefined;
  }

  async #changed(cgroup: string, change: CgroupChange): Promise<void> {
    if (change === 'gone')
      this.#logger.info(`there is no control group ${cgroup} any more: nothing of it is captured`);
    if (this.#last === undefined) return;
    try {
      await this.#plans.apply(this.#last);
      if (change !== 'gone')
        this.#logger.info(`the control group ${cgroup} is new, and captured from now on`);
    } catch (error) {
      if (this.#last === undefined) return;
      this.#logger.warn(`programs in the control group ${cgroup} are not captured: ${messageOf(error)}`);
    }
  }

  #refused(code: string | undefined): void {
    const before = this.#problem;
    this.#problem = code === undefined ? undefined : unwatched(this.#cgroups, code);
    if (this.#problem !== undefined) this.#logger.warn(`${this.#problem.what} -> ${this.#problem.remedy}`);
    else if (before !== undefined) this.#logger.warn(`it is so no longer: ${before.what}`);
  }
}

/** @param code of inotify_init(2) and inotify_add_watch(2) */
function unwatched(cgroups: readonly string[], code: string): CaptureProblem {
  const limit = { ENOSPC: 'max_user_watches=524288', EMFILE: 'max_user_instances=1024' }[code];
  return {
    cause: 'control-groups',
    what: `the kernel does not tell when control groups come and go (${code}): what is started in ${listOf(cgroups)} is captured, but no longer once the service that makes it is started again`,
    remedy:
      limit === undefined
        ? 'restart the tunnel after such a service; tshuttle doctor has it tried again'
        : `raise its limit, and have it tried again: sudo sysctl fs.inotify.${limit}; tshuttle doctor`,
  };
}

function cgroupsOf(matches: readonly ProgramMatch[]): readonly string[] {
  return [...new Set(matches.flatMap(({ cgroup }) => (cgroup === null ? [] : [cgroup])))];
}
