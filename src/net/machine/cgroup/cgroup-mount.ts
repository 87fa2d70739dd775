import { readFileSync, statSync } from 'node:fs';

/** Where the kernel's control groups (cgroup2) can be seen. */
export interface CgroupMount {
  readonly path: string;
  /** The path below /sys/fs/cgroup, where nft looks, with a slash after it; empty where it is that folder itself. */
  readonly folder: string;
}

const CGROUP_FILE_SYSTEM = '/sys/fs/cgroup';

/** The place of cgroup2; undefined where there is none below /sys/fs/cgroup. */
export function cgroupMount(): CgroupMount | undefined {
  try {
    return parseCgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Finds it in /proc/self/mountinfo (proc(5)). `/sys/fs/cgroup/unified` is that of a system with both versions of control groups.
 *
 * @returns the last, which hides those before it in the same place
 */
export function parseCgroupMount(mountinfo: string): CgroupMount | undefined {
  const paths = mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, path] = before.split(' ');
    return root === '/' && path !== undefined && after.startsWith('cgroup2 ') ? [path] : [];
  });
  const path = paths.findLast((one) => `${one}/`.startsWith(`${CGROUP_FILE_SYSTEM}/`));
  if (path === undefined) return undefined;
  const folder = path === CGROUP_FILE_SYSTEM ? '' : `${path.slice(CGROUP_FILE_SYSTEM.length + 1)}/`;
  return { path, folder };
}

/** Whether there is a control group of this path below the mount; a file in one is none. */
export function hasCgroup({ path }: Pick<CgroupMount, 'path'>, cgroup: string): boolean {
  try {
    return statSync(`${path}/${cgroup}`, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    // Below a file (ENOTDIR), or of a name that the kernel has none of (ENAMETOOLONG).
    return false;
  }
}
