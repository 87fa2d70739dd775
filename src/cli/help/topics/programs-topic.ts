import type { SystemWords } from '../../../core/systems/words.ts';
import { commands, list, paragraph, type Topic } from './topic.ts';

/** Whose connections are captured. */
export const programsTopic = (system: SystemWords): Topic => ({
  name: 'programs',
  summary: 'capturing what some users or programs open, and nothing else',
  blocks: [
    paragraph(
      'Without these options the connections and DNS queries of all users and programs are captured. Each is repeatable; a program ' +
        'must match one of each kind that is given.',
    ),
    list(
      ['--user USER', 'programs of this user, by name or number'],
      [
        '--group GROUP',
        `programs that run as this group (${system.platform === 'linux' ? 'sg GROUP -c COMMAND' : 'sudo -u YOU -g GROUP COMMAND'} starts one); the other ` +
          'groups of their user do not count',
      ],
      ...ofLinux(system, [
        '--cgroup PATH',
        'programs in this control group or below it, as systemd-cgls shows it (Linux): system.slice/backup.service, or ' +
          'backup.service, or a slice by its name alone, as user-1000.slice',
      ]),
    ),
    commands(
      'tshuttle -r bastion --user 1001 10.0.0.0/8',
      ...ofLinux(system, 'tshuttle -r bastion --cgroup backup.service 10.0.0.0/8'),
    ),
    ...ofLinux(
      system,
      paragraph(
        'A control group must be there when the tunnel starts. One that goes and comes again, as that of a service that is started anew, is ' +
          'captured again at once; what the service opens in its first milliseconds may go direct. A slice of its own (Slice= in the ' +
          'unit) stays there all the time.',
      ),
    ),
    ...ofLinux(
      system,
      paragraph(
        'Where a daemon asks for names on behalf of programs (nss-resolve, nscd, sssd), its queries are its own, not those of the ' +
          'program. Then use an address, or a resolver that the program asks itself, as 127.0.0.53 in /etc/resolv.conf.',
      ),
    ),
    ...(system.platform === 'linux'
      ? []
      : [paragraph('pf knows users and groups, and no control groups (--cgroup), which are of Linux.')]),
  ],
});

/** Control groups, and daemons that ask in place of programs. */
function ofLinux<const T>(system: SystemWords, value: T): readonly T[] {
  return system.platform === 'linux' ? [value] : [];
}
