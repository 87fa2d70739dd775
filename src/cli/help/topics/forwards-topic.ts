import { commands, list, paragraph, type Topic } from './topic.ts';

/** Ports that lead to one place each. */
export const FORWARDS_TOPIC: Topic = {
  name: 'forwards',
  summary: 'a port or a unix socket of this machine that leads to one place (-L): no root, no rules',
  blocks: [
    paragraph(
      '-L works as in ssh. Its connections are held while the bastion is lost, counted and listed as all others are. A tunnel with -L and ' +
        'without a SUBNET needs no root. In a profile the key is forwards; a reload adds, removes and redirects them at once.',
    ),
    commands(
      'tshuttle -r bastion -L 5432:db.internal:5432',
      'tshuttle -r bastion -L 8080:127.0.0.1:80 -L 2375:/run/docker.sock',
    ),
    list(
      ['5432:db:5432', '127.0.0.1 and ::1, port 5432; the bastion resolves db'],
      ['8080:127.0.0.1:80', 'HOST is as the bastion sees it: 127.0.0.1 is the bastion itself'],
      ['[::1]:80:[fd00::8]:443', 'IPv6 stands in brackets'],
      ['*:8080:db:80, :8080:db:80', 'on every address: whoever can reach this machine can use it'],
      [
        '/home/me/db.sock:db:5432',
        'a unix socket, mode 0600, removed at the end; a file that is there is left alone',
      ],
      [
        '2375:/run/docker.sock',
        'a unix socket of the bastion (AllowStreamLocalForwarding), not with --transport openssh',
      ],
    ),
    paragraph(
      'Other than with ssh: a port that another program has is an error before anything is asked for, also where only one of 127.0.0.1 and ::1 is ' +
        'taken. Ports are numbers. The address to listen on is an IP address, localhost or *. A path has no tokens (%h). A unix socket cannot be ' +
        'reset: what breaks off looks like an end of data there.',
    ),
    paragraph(
      'LocalForward lines of the ssh configuration are for ssh and have no effect here, so that a tunnel that runs beside your ssh does not take ' +
        'its ports; only --transport openssh with --openssh-carry socks has ssh open them, where they are free. -R and -X (-Y) are things that the ' +
        'bastion does, by ssh beside tshuttle; what ssh calls -D is --socks.',
    ),
  ],
};
