import type { SystemWords } from '../../../core/systems/words.ts';
import { type Block, list, paragraph, type Topic } from './topic.ts';

/** The security model. */
export const securityTopic = (system: SystemWords): Topic => ({
  name: 'security',
  summary: 'what runs as root, who can use the tunnel, what the bastion sees, where secrets are',
  blocks: [
    ...rootBlocks(system),
    list(
      [
        'who can use the tunnel',
        'every user and program of this machine, as with a route; of others whoever can send through an interface that --also-from names',
      ],
      [
        'what the bastion sees',
        'the destinations, as with ssh -L. It is trusted no further: a bastion that overruns the window of a flow, or breaks the ' +
          'protocol, is cut off. The session that runs `true`, and SFTP, are bounded too; --no-session opens neither. -N believes its routes within bounds (tshuttle help subnets); the relay of --udp relay can ' +
          'answer what was sent to it, and nothing else here',
      ],
      [
        'secrets',
        'are never on a command line or in the environment of a child of ours, and never in a log; the command of tshuttle run has your ' +
          'environment as it is. A password in -r user:password@host works as in sshuttle, but others may see it in the process list: tshuttle warns',
      ],
    ),
    ...grantBlocks(system),
  ],
});

/** What runs as root, and what becomes of the rules, by what redirects there. */
function rootBlocks(system: SystemWords): readonly Block[] {
  if (system.redirector === undefined) {
    return [
      paragraph(
        `Nothing runs as root on ${system.name}, since nothing redirects connections there: tshuttle has proxies, and all of it runs as you.`,
      ),
    ];
  }
  return [
    paragraph(
      'One small process runs as root, the helper, which is started through sudo. It accepts a closed set of requests on its standard ' +
        'input: set these redirects, exempt these endpoints, route synthetic addresses, end sockets of captured connections that ' +
        'no reset can reach. When the input ends, it removes what it has set. It checks every field and renders the rules itself: it takes no ' +
        'command, no path and no rule text, runs no shell, uses absolute tool paths and an empty environment, takes off the limits ' +
        'it was started with or refuses them, and needs no npm package but koffi. Everything else, ssh included, runs as you.',
    ),
    paragraph(system.platform === 'linux' ? NFT_RULES : PF_RULES),
    paragraph(
      `Rules that another program removes are put back ${system.platform === 'linux' ? 'at once (iptables-legacy: within 10 s)' : 'within 10 s'}, and ` +
        'status tells. Where they do not ' +
        'stay, traffic goes past the tunnel, the state is `no rules`, and --on-down exit ends with 75. A helper that ends alone ' +
        'is started again at once where that asks for no password, and quiet flows go on; otherwise the tunnel ends, with 71.',
    ),
  ];
}

const NFT_RULES =
  'With nft its rules live in a table of its own, named after you and the listener’s port, which the kernel removes when the helper’s ' +
  'process ends, also after SIGKILL (flags owner; whatever --method says unless root asks). Where there is only iptables the ' +
  'helper removes them, or a second process of root’s if it was killed, or the next start or tshuttle cleanup if both were. So are ' +
  'the routing rules of --method tproxy, which do nothing once its table is gone. There the helper also makes the listener of the tunnel ' +
  'transparent, and no other socket.';

const PF_RULES =
  'Its rules are one anchor of pf, named after you and the listener’s port; other rules, and whether pf is enabled for others, are left as ' +
  'they are. pf keeps rules until somebody removes them: the helper does, or a second process of root’s if it was killed, or the next ' +
  'start or tshuttle cleanup if both were. What is held is written down in /var/run/tshuttle, which is root’s.';

function grantBlocks(system: SystemWords): readonly Block[] {
  if (system.redirector === undefined) return [];
  return [
    paragraph(
      'tshuttle sudoers --install ends the question for a password. It copies the helper to /usr/local/libexec/tshuttle, with Node.js where ' +
        'others than root could change yours, all root’s, and lets you run that one program without arguments. --uninstall takes ' +
        'both back. The grant is power over the TCP and DNS of all users of this machine, root’s too, as the password is: its holder ' +
        'can redirect their connections and queries for as long as a process of the holder runs. It cannot end or replace the rules ' +
        'of another user' +
        (system.platform === 'linux'
          ? '; by --method tproxy it can send TCP from addresses that are not this machine’s'
          : '') +
        ', and gives nothing else of root’s. Grant it only to users whom you trust with that.',
    ),
    paragraph(
      'Nothing is granted that another user than root can change, nor anything in a folder that another user can change. A copy of ' +
        'another version is not used: install again after an update. Without --install tshuttle sudoers prints the line.',
    ),
  ];
}
