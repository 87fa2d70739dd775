import { messageOf, TshuttleError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Interceptor } from '../intercept/interceptor.ts';
import type { ProgramMatch } from '../intercept/rules/program-match.ts';
import type { RedirectPlan } from '../intercept/rules/redirect-plan.ts';
import { cgroupMount, hasCgroup } from '../net/machine/cgroup/cgroup-mount.ts';
import { type CgroupChange, CgroupWatch } from '../net/machine/cgroup/cgroup-watch.ts';

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

/** Applies plans, and applies the last one anew when a control group of it has come, or come back as another. */
export class CapturedCgroups {
  readonly #cgroups: readonly string[];
  readonly #interceptor: Pick<Interceptor, 'apply'>;
  readonly #logger: Logger;
  #watch: CgroupWatch | undefined;
  #last: RedirectPlan | undefined;

  constructor(
    matches: readonly ProgramMatch[] | null,
    interceptor: Pick<Interceptor, 'apply'>,
    logger: Logger,
  ) {
    this.#cgroups = cgroupsOf(matches ?? []);
    this.#interceptor = interceptor;
    this.#logger = logger;
  }

  /** See {@link Interceptor.apply}. */
  async apply(plan: RedirectPlan): ReturnType<Interceptor['apply']> {
    this.#last = plan;
    const root = this.#cgroups.length === 0 ? undefined : cgroupMount()?.path;
    // Before the rules are made, so that no change goes unseen.
    if (root !== undefined)
      this.#watch ??= new CgroupWatch(
        root,
        this.#cgroups,
        (cgroup, change) => void this.#changed(cgroup, change),
      );
    return await this.#interceptor.apply(plan);
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
      await this.#interceptor.apply(this.#last);
      if (change !== 'gone')
        this.#logger.info(`the control group ${cgroup} is new, and captured from now on`);
    } catch (error) {
      if (this.#last === undefined) return;
      this.#logger.warn(`programs in the control group ${cgroup} are not captured: ${messageOf(error)}`);
    }
  }
}

function cgroupsOf(matches: readonly ProgramMatch[]): readonly string[] {
  return [...new Set(matches.flatMap(({ cgroup }) => (cgroup === null ? [] : [cgroup])))];
}
