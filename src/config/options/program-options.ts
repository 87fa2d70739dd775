import type { OptionRow } from './row.ts';

/** Whose connections are captured. */
export const PROGRAM_OPTIONS = {
  users: {
    kind: 'list',
    flags: '--user <USER>',
    type: 'userAccount',
    partOf: 'programs',
    help: 'capture what programs of this user open, and nobody else; a name or a number; repeatable',
    item: 'a name or a number',
    profile: { key: 'users', description: 'users whose programs alone are captured, as --user' },
  },
  groups: {
    kind: 'list',
    flags: '--group <GROUP>',
    type: 'groupAccount',
    partOf: 'programs',
    help: 'capture what programs that run as this group open, and no others; repeatable',
    item: 'a name or a number',
    profile: { key: 'groups', description: 'groups whose programs alone are captured, as --group' },
  },
  cgroups: {
    kind: 'list',
    flags: '--cgroup <PATH|SLICE>',
    type: 'cgroup',
    partOf: 'programs',
    help:
      'capture what programs in this control group open, and no others: system.slice, backup.service, ' +
      'user.slice/user-1000.slice (Linux); repeatable',
    item: 'a path below /sys/fs/cgroup, or a unit of systemd',
    profile: { key: 'cgroups', description: 'control groups whose programs alone are captured, as --cgroup' },
  },
  namespaceName: {
    kind: 'text',
    flags: '--namespace <NAME>',
    type: 'namespaceName',
    partOf: 'namespace',
    help: 'capture what runs in this network namespace, and nothing else; ssh stays outside; as root (Linux)',
    profile: {
      key: 'namespace',
      description: 'the network namespace in which alone connections are captured, as --namespace',
    },
  },
  namespacePid: {
    kind: 'text',
    flags: '--namespace-pid <PID>',
    type: 'processId',
    partOf: 'namespace',
    help: 'the same in the network namespace of a process, such as that of a container (tshuttle help namespaces)',
    profile: {
      key: 'namespace_pid',
      description: 'a process in whose network namespace alone connections are captured, as --namespace-pid',
    },
  },
} as const satisfies Readonly<Record<string, OptionRow>>;
