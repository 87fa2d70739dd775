import type { SystemWords } from '../../../core/systems/words.ts';
import { commands, list, paragraph, type Topic } from './topic.ts';

/** One command, and proxies: what needs no root. */
export const runTopics = (system: SystemWords): readonly Topic[] => [
  {
    name: 'run',
    summary: 'a tunnel around one command, also without root',
    blocks: [
      commands(
        'tshuttle run -r bastion 10.0.0.0/8 -- terraform apply',
        'tshuttle run office -- psql',
        ...(system.platform === 'linux'
          ? [
              'tshuttle run --only -r bastion 10.0.0.0/8 -- terraform apply',
              'tshuttle run --isolated -r bastion 10.0.0.0/8 -- ./deploy.sh',
            ]
          : []),
        'tshuttle run --rootless -r bastion --domain internal.example -- curl https://api.internal.example/',
      ),
      paragraph(
        'run brings the tunnel up, runs the command, and ends with it and its exit code. Signals are passed on' +
          `${system.sleepGuard === undefined ? '' : `, and the machine is kept from sleeping where ${system.sleepGuard} lets us`}. ` +
          '--probe HOST:PORT waits up to 30 s until that answers through the bastion; ' +
          '--openstack does so for the host of auth_url. Otherwise run ends with 68, and nothing has run.',
      ),
      paragraph(
        'A tunnel of yours that is up through the same bastion and captures all of it is used instead, and stays. With a name, run ' +
          'uses the tunnel of that name, or starts the profile, which ends with the command.',
      ),
      list(
        ...linuxOnly(system, [
          '--only',
          'captures what the command and all that it starts open, and nothing else on this machine, by redirect rules (sudo, and Linux with ' +
            'cgroup2). The root helper puts the command into a control group of its own below the one that it is in, and removes that at the ' +
            'end; what is left running then goes direct. Names that a daemon asks for on its behalf (nss-resolve, nscd) are not its own',
        ]),
        ...linuxOnly(system, [
          '--isolated',
          'needs Linux with unprivileged user namespaces and util-linux 2.36, no root and no sudo. The command runs as you in a network ' +
            'namespace of its own, where every TCP connection and DNS query comes to tshuttle. What no SUBNET or --domain has is ' +
            'relayed from this machine. This machine itself cannot be reached, nor link-local addresses, also with 0/0; other UDP and ' +
            'ICMP lead nowhere, and sudo does not work. A connection that fails is reset. What the command left running ends with it',
        ]),
        [
          '--rootless',
          'captures nothing, and so needs neither root nor rules: the command gets proxies of its own, with a password of this run, by ' +
            'HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and their lower case. What no SUBNET or --domain has goes direct, and is resolved ' +
            'here. Programs that know no proxy (psql) need the redirect' +
            (system.platform === 'linux' ? ', or --isolated' : ''),
        ],
      ),
      paragraph(
        'The command’s environment is yours as it is, OS_PASSWORD too, and with --rootless it has that password: root and all that runs ' +
          'as you can read it' +
          `${system.platform === 'linux' ? ' (/proc/PID/environ)' : ''}, and CI that prints its environment shows it.`,
      ),
    ],
  },
  {
    name: 'proxies',
    summary: 'SOCKS and HTTP proxies: no root, no rules, nothing changed',
    blocks: [
      commands(
        'tshuttle -r bastion --socks 1080 --http-proxy 8080',
        'curl -x socks5h://127.0.0.1:1080 http://db.internal.example/',
      ),
      paragraph(
        '--socks [IP:]PORT serves SOCKS5, SOCKS4 and SOCKS4a, --http-proxy [IP:]PORT serves CONNECT and http:// requests. Both work ' +
          'beside SUBNETs, too. The bastion resolves names; programs that tell the two apart want socks5h://.',
      ),
      paragraph(
        'They listen on 127.0.0.1 unless told otherwise. --proxy-auth FILE, whose first line is USER:PASSWORD and which nobody but you ' +
          'can read, lets only those in who know it; wrong passwords are slowed down.',
      ),
    ],
  },
];

/** Namespaces are of Linux only. */
function linuxOnly(
  system: SystemWords,
  item: readonly [string, string],
): ReadonlyArray<readonly [string, string]> {
  return system.platform === 'linux' ? [item] : [];
}
