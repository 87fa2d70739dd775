import { cgroupMount, hasCgroup } from '../../../net/machine/cgroup/cgroup-mount.ts';
import type { OwnedPlan, RedirectPlan } from '../../rules/redirect-plan.ts';
import { RefusedError } from '../drivers/backend/rule-backend.ts';

/** A plan with what the rules of control groups need to know of this machine. */
type PlacedPlan = RedirectPlan & Pick<OwnedPlan, 'cgroupFolder'>;

/**
 * Says where the control groups of a plan are. One that is not there has no programs, and no rule: the kernel takes none that names
 * it, and whoever asks for it applies the plan again when it has come.
 *
 * @throws RefusedError where this machine has no control groups that rules could name
 */
export function placeCgroups(plan: RedirectPlan, findMount = cgroupMount): PlacedPlan {
  if (plan.only === null || plan.only.every(({ cgroup }) => cgroup === null)) return plan;
  const mount = findMount();
  if (mount === undefined)
    throw new RefusedError(
      'cgroup2 is not mounted below /sys/fs/cgroup, and rules can name no control group',
    );
  return {
    ...plan,
    only: plan.only.filter(({ cgroup }) => cgroup === null || hasCgroup(mount, cgroup)),
    ...(mount.folder === '' ? {} : { cgroupFolder: mount.folder }),
  };
}
