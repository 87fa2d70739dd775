import type { SystemWords } from '../../../core/systems/words.ts';
import { commands, list, paragraph, type Topic } from './topic.ts';

/** For users of sshuttle. */
export const sshuttleTopic = (system: SystemWords): Topic => ({
  name: 'sshuttle',
  summary: 'for users of sshuttle: what is the same, and what is not',
  blocks: [
    paragraph(
      'Options have sshuttle’s names where it has one: -r, -x, -X, -s, -l, -D, -H, --pidfile, --dns, --ns-hosts, --to-ns, @FILE. So most ' +
        'command lines work when their first word is changed; one that does not is refused, and the message says what to do instead.',
    ),
    commands('tshuttle -r me@bastion.example.com -x 10.9.0.0/16 10.0.0.0/8'),
    list(
      ['on the bastion', 'nothing runs; AllowTcpForwarding yes will do, without Python and without a shell'],
      [
        '-N, --auto-nets',
        'asks for the routes once, by ip or netstat; a bastion that runs no command is an error (tshuttle help subnets)',
      ],
      ['SSHUTTLE_ARGS', 'is read where TSHUTTLE_ARGS is not set'],
      ...(system.platform === 'linux' ? ([['--method nat', 'is iptables']] as const) : []),
      ['--exclude-f FILE', 'the beginning of a name stands for a long option, where no other begins so'],
      [
        '--python, --remote-shell, --no-cmd-delimiter, --no-sudo-pythonpath, --no-latency-control, --latency-buffer-size, --wrap',
        'are ignored with their values, and one line says so',
      ],
      [
        'NAME/24',
        'is the network around each IPv4 address of the name; IPv6 addresses are taken by themselves',
      ],
      ['-e, --ssh-cmd', 'means --transport openssh; -F, -i, -J and -o by themselves work with either'],
      [
        '-H, --auto-hosts',
        'names come from the bastion’s /etc/hosts, if SFTP may read it; nothing is scanned',
      ],
      [
        '--dns',
        'asks the resolvers of the bastion’s /etc/resolv.conf, if SFTP may read it; otherwise name one by --to-ns',
      ],
      ['--user, --group', 'hold for every method, and for --dns; repeatable (tshuttle help programs)'],
      ...(system.platform === 'linux'
        ? ([
            [
              '--namespace, --namespace-pid',
              'need no root for a rootless container of yours; for all others tshuttle is run as root (tshuttle help namespaces)',
            ],
          ] as const)
        : []),
      [
        '-l 0.0.0.0',
        'nobody’s connections but this machine’s are captured; --also-from IFACE or NETWORK names others',
      ],
      [
        '--sudoers-no-modify, --sudoers-user',
        'print the line of tshuttle sudoers, which grants one program instead of a command line',
      ],
      [
        '--syslog',
        'is not implied by -D, which keeps a log file; the system’s log gets the same lines, too (Linux)',
      ],
      ['a lost bastion', 'is connected again, where sshuttle ends'],
      ['UDP other than DNS', 'is carried with --udp relay, which needs no tproxy (tshuttle help udp)'],
    ),
    paragraph('What stays different, and why:'),
    list(
      ['10/8, 10.1/16', 'are refused: sshuttle takes 10 for 0.0.0.10, which nobody means'],
      ['010.0.0.1', 'is refused: programs do not agree whether that is octal'],
      [
        'exit codes',
        'tell what is wrong, as 68 for a bastion that cannot be reached, where sshuttle has 99 for all; they are in the README',
      ],
      [
        '--pidfile',
        'is in the folder of the user’s state by default, not in the current one, where two tunnels would share it and anybody may write',
      ],
      ['-D', 'returns when traffic is captured, and keeps the log that it says'],
    ),
  ],
});
