import { EXIT_CODES } from '../../app/exit-code.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import type { SystemWords } from '../../core/systems/words.ts';
import { type ErrorPage, noInterceptor, notOn, OF_RULES } from './redirect-error-pages.ts';
import { list, paragraph, type Topic } from './topics/topic.ts';

/** A page for every code: a new code without one does not compile. */
const errorPages = (system: SystemWords): Readonly<Record<ErrorCode, ErrorPage>> => ({
  ERR_USAGE: {
    meaning: 'The command line cannot be understood, or asks for what does not go together.',
    remedy: 'see tshuttle --help',
    causes: [
      ['an option of sshuttle that is not here', 'the message says what takes its place'],
      ['--dns without a resolver', 'name one that the bastion can reach: --to-ns 10.0.0.2'],
    ],
  },
  ERR_CONFIG: {
    meaning:
      'A file, the ssh configuration or a profile is wrong. Every problem in it is listed with its place.',
    remedy: 'fix the problems above and try again',
    causes: [
      ['ssh -G ends with an error', 'run it by hand: it names the line of the ssh configuration'],
      ['nothing is left to capture', 'every subnet was left out: the lines above say why'],
    ],
  },
  ERR_BASTION_UNREACHABLE: {
    meaning: 'The bastion, or a jump host or proxy on the way to it, does not answer.',
    remedy: 'check its name, address and port, and this machine’s network',
    causes: [
      [
        'the name does not resolve',
        'look it up with the resolver of this machine, not the one behind the bastion',
      ],
      [
        'connection refused at once, or no answer, and it answered before',
        'fail2ban or PerSourcePenalties may have banned this address: wait some minutes, then name the right user, and key with -i',
      ],
      ['connection refused', 'sshd does not listen there: check the port'],
      ['timed out', 'a firewall on the way: is this address on its list, is the network up?'],
      [
        'Not allowed at this time, or closed or reset before the login',
        'sshd refuses this address for a while (PerSourcePenalties, MaxStartups): wait, then try once',
      ],
    ],
  },
  ERR_BASTION_AUTH: {
    meaning: 'The bastion accepted none of the ways to log in that were tried.',
    remedy: 'name the key with -i; tshuttle -vv lists each key and method that was tried',
    causes: [
      [
        'the right key is the sixth of the agent',
        'sshd closes after MaxAuthTries: name the key with -i KEY.pub',
      ],
      ['a second factor, and nobody to ask', 'start it on a terminal, or set SSH_ASKPASS'],
      ['a one-time code was used before', 'wait for the next one: each counts once'],
      ['the wrong user', 'put it in front: -r USER@HOST'],
    ],
  },
  ERR_BASTION_LOST: {
    meaning: 'The connection to the bastion is gone.',
    remedy: 'wait: tshuttle connects again; after --on-down exit, check the network and start it again',
    causes: [
      ['another network, or none', 'it comes back by itself unless it was asked to end'],
      ['sshd was restarted', 'nothing to do'],
      ['an idle connection is cut on the way', '-o ServerAliveInterval=30'],
      [
        'small packets arrive, and those of full size do not (a VPN, PPPoE)',
        system.platform === 'linux'
          ? `${system.lowerMtu}; where that helps, sysctl net.ipv4.tcp_mtu_probing=1 does so for every connection`
          : system.lowerMtu,
      ],
    ],
  },
  ERR_CHANNEL_REFUSED: {
    meaning: 'The bastion did not open a connection to a destination.',
    remedy: 'tshuttle doctor -r BASTION HOST:PORT says who refuses it',
    causes: [
      ['Connection refused', 'nothing listens there: the destination itself says so'],
      ['Name or service not known', 'the bastion’s own resolver does not know the name'],
      [
        'prohibited',
        'sshd’s AllowTcpForwarding, PermitOpen or DisableForwarding, or no-port-forwarding or permitopen of the key in authorized_keys: its administrator has to allow the destination',
      ],
      ['open failed, with many flows', 'sshd is out of file descriptors: its limit of open files'],
    ],
  },
  ERR_HOST_KEY: {
    meaning: 'The bastion’s host key is unknown and nobody could be asked, or is not the one that is known.',
    remedy:
      'compare its fingerprint with what the administrator says, then ssh to it once, or ssh-keygen -R HOST',
    causes: [
      [
        'the bastion is new',
        'connect once on a terminal and compare the fingerprint, or -o StrictHostKeyChecking=accept-new',
      ],
      ['the machine was replaced', 'ssh-keygen -R HOST after its administrator has confirmed that'],
      ['the connection is intercepted', 'do not connect'],
    ],
  },
  ERR_NO_INTERCEPTOR: {
    meaning: 'Nothing on this machine can redirect connections; each way that was tried is listed.',
    ...noInterceptor(system),
  },
  ERR_NO_PRIVILEGE: {
    meaning: 'The root helper could not be started.',
    remedy: `tshuttle sudoers shows a line that is safe to grant; ${system.withoutRoot}`,
    causes: [
      ['there is no sudo', system.install('sudo')],
      ['this user is not in sudoers', 'an administrator installs the line: sudo tshuttle sudoers --install'],
      ['a password is needed and nobody could be asked', 'start it on a terminal, or install the line'],
    ],
  },
  ERR_INTERCEPT_APPLY: {
    meaning: 'The kernel refused the redirect rules.',
    remedy: 'try another --method, or fewer subnets',
    causes:
      system.platform === 'linux'
        ? [
            [
              'a kernel without NAT',
              'the message has its words; iptables may still do: --method iptables; or --method tproxy --udp direct without DNS, which needs none',
            ],
          ]
        : [['tables of pf are full', 'fewer subnets; or set limit table-entries in /etc/pf.conf']],
  },
  ERR_HELPER_PROTOCOL: {
    meaning: 'The root helper answered what it should not: a bug, or two versions mixed.',
    remedy: 'start again; if it stays, install tshuttle anew and report it',
    causes: [['an update while a tunnel runs', 'restart the tunnel']],
  },
  ERR_HELPER_LOST: {
    meaning:
      'The root helper has ended, the rules with it, and it could not be started again without asking for a password, or ' +
      'ended again and again.',
    remedy: 'start tshuttle again; after tshuttle sudoers --install the helper needs no password',
    causes: [['it was killed, or the machine ran out of memory', 'read the system’s log']],
  },
  ERR_RULES_REMOVED: {
    meaning:
      'Another program has removed the redirect rules. They are put back at once; where that is refused, or they are removed ' +
      'five times within a minute, nothing is captured, and connections go past the tunnel: --on-down exit ends it then, else ' +
      'it is tried again every 30 s.',
    remedy: `find out what it does; ${system.keepRules}`,
    causes: [
      system.platform === 'linux'
        ? [
            'iptables -t nat -F, iptables-restore without --noflush, nft flush ruleset',
            'have it leave TSHUTTLE-* alone',
          ]
        : [system.rulesRemovers, system.keepRules],
      ['a firewall that was started or reloaded', 'once is no harm: the rules are back within a second'],
    ],
  },
  ERR_LISTEN: {
    meaning: 'A listener of ours could not be opened.',
    remedy: 'another program has the port: choose another one with -l, or leave it out',
    causes: [['a fixed port with -l, and a second tunnel', 'leave -l out, a free one is taken']],
  },
  ERR_ORIGINAL_DST: {
    meaning: 'The kernel did not say where a redirected connection meant to go; that connection is reset.',
    remedy: 'report it with the kernel’s version',
    causes: [['the connection was closed in the same moment', 'nothing to do']],
  },
  ERR_CLEANUP: {
    meaning: 'Something that tshuttle made could not be removed; what is left is listed.',
    remedy: 'tshuttle cleanup removes it when its owner is gone',
    causes: [
      [
        `${system.platform === 'linux' ? 'iptables was used, and every' : 'every'} process was killed`,
        'tshuttle cleanup',
      ],
    ],
  },
  ERR_ALREADY_RUNNING: {
    meaning: 'A daemon with this name runs already.',
    remedy: 'stop it first, or give this one a --pidfile of its own',
    causes: [['the same bastion twice', '--pidfile FILE names the second one']],
  },
  ERR_API_UNREACHABLE: {
    meaning: 'The OpenStack API gave no answer through the bastion.',
    remedy: 'ask who runs the cloud whether the bastion’s address is on the allow-list',
    causes: [
      ['the allow-list has another address', 'what the bastion sends is dropped: nothing answers'],
      ['auth_url is https:// and the port serves http', 'correct the URL in clouds.yaml'],
    ],
  },
  ERR_API_CERTIFICATE: {
    meaning: 'The certificate of the OpenStack API is not trusted, or is for another name.',
    remedy: 'name the certificate authority: cacert in clouds.yaml, or OS_CACERT',
    causes: [
      [
        'an authority of the cloud’s own',
        'cacert; neither verify: false nor NODE_TLS_REJECT_UNAUTHORIZED=0 is enough where secrets are sent',
      ],
      ['auth_url has an address, the certificate a name', 'write the name into auth_url'],
    ],
  },
  ERR_API_REFUSED: {
    meaning: 'Keystone does not accept the credentials that ask for the catalog.',
    remedy: 'check user, password, project and domains, or make a new application credential or token',
    causes: [
      ['an application credential has expired', 'openstack application credential create'],
      ['a token has expired', 'openstack token issue, or leave OS_TOKEN out'],
      ['the cloud wants a second factor', '--openstack-catalog=cli lets your own client ask'],
    ],
  },
  ERR_API_ANSWER: {
    meaning: 'What answered is no Keystone, or its catalog has nothing of the region and interface.',
    remedy: 'check auth_url, --openstack-region and --openstack-interface',
    causes: [['the credentials are for no project', 'project_name in clouds.yaml']],
  },
  ERR_INTERNAL: {
    meaning: 'A bug of tshuttle’s.',
    remedy: 'please report it with the lines above',
    causes: [],
  },
});

/** What the user can do about a failure of this kind, in one line. */
export function remedyOf(code: ErrorCode, platform: NodeJS.Platform = process.platform): string {
  return errorPages(systemWords(platform))[code].remedy;
}

/** The page of every error code, as topics. */
export function errorTopics(platform: NodeJS.Platform = process.platform): readonly Topic[] {
  const system = systemWords(platform);
  const pages = errorPages(system);
  return (Object.keys(pages) as ErrorCode[]).map((code) => {
    const { meaning, remedy, causes } =
      OF_RULES.has(code) && system.redirector === undefined
        ? { ...pages[code], ...notOn(system) }
        : pages[code];
    const exit = `Exit code ${EXIT_CODES[code]}. ${meaning}`;
    return {
      name: code,
      summary: meaning,
      blocks: [
        paragraph(exit),
        list(['what to do', remedy]),
        ...(causes.length > 0 ? [list(...causes)] : []),
      ],
    };
  });
}
