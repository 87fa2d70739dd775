import { describe, expect, it } from 'vitest';
import { parseCgroupMount } from '../../../../../src/net/machine/cgroup/cgroup-mount.ts';

const OTHERS = `22 28 0:21 / /sys rw,nosuid - sysfs sysfs rw
31 22 0:27 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
33 31 0:29 / /sys/fs/cgroup/systemd rw,nosuid - cgroup cgroup rw,name=systemd
`;

describe('parseCgroupMount', () => {
  it('finds it in its place, and below that on a system with both versions', () => {
    expect(
      parseCgroupMount(`29 22 0:25 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n`),
    ).toEqual({
      path: '/sys/fs/cgroup',
      folder: '',
    });
    expect(
      parseCgroupMount(`${OTHERS}32 31 0:28 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n`),
    ).toEqual({ path: '/sys/fs/cgroup/unified', folder: 'unified/' });
  });

  it('takes no other file system, no part of it, and none in another place', () => {
    expect(parseCgroupMount(OTHERS)).toBeUndefined();
    expect(parseCgroupMount('29 22 0:25 /a /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n')).toBeUndefined();
    expect(parseCgroupMount('29 22 0:25 / /mnt/cgroup rw - cgroup2 cgroup2 rw\n')).toBeUndefined();
    expect(parseCgroupMount('29 22 0:25 / /sys/fs/cgroups rw - cgroup2 cgroup2 rw\n')).toBeUndefined();
  });
});
