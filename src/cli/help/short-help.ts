import type { SystemWords } from '../../core/systems/words.ts';

/** How wide the left column is. */
const NAMES = 34;

/** What `-h` prints: what most people need of {@link SystemWords a system}, on one screen of 80 columns and 40 lines. */
export function shortHelp(system: SystemWords): string {
  const captures = system.redirector !== undefined;
  return [
    'Usage: tshuttle -r [USER@]HOST[:PORT] [options] SUBNET...',
    '',
    'Sends TCP connections to SUBNETs through one ssh connection to a bastion, on',
    'which nothing is installed. When tshuttle ends, this machine is as it was.',
    '',
    captures
      ? '  tshuttle -r me@bastion.example.com 10.0.0.0/8 db.example.com:5432'
      : '  tshuttle -r me@bastion.example.com --socks 1080',
    '',
    'Bastion:',
    row('-r, --remote [USER@]HOST[:PORT]', 'the ssh server, or a Host of ~/.ssh/config'),
    row('-i, --identity FILE', 'private key to log in with'),
    row('-J, --jump HOP[,HOP...]', 'reach it through these ssh servers'),
    row('-o, --ssh-option KEY=VALUE', 'as for ssh -o'),
    '',
    'What is captured:',
    row('SUBNET', '10.0.0.0/8, 10.1.2.3, 0/0, db.example.com'),
    row('SUBNET:PORT', '10.0.0.0/8:443, db.example.com:5432'),
    row('-x, --exclude SUBNET', 'never capture this'),
    row('--domain ZONE', 'names that only the bastion resolves'),
    row('--dns', 'all DNS queries; --to-ns IP answers them'),
    '',
    'Running:',
    row('-D, --daemon', 'in the background'),
    row('-v, --verbose', 'log each connection; -vv: everything'),
    row('--dry-run', 'only show the redirect rules'),
    row('--save NAME', 'save these options, for tshuttle up NAME'),
    row('--socks PORT, -L PORT:HOST:PORT', 'a proxy, a fixed port: both need no root'),
    row(
      `run ${system.platform === 'linux' ? '--isolated' : '--rootless'} -r ... -- CMD`,
      'for one command, without root',
    ),
    '',
    'Commands:',
    row('up, down, restart, reload NAME', 'tunnels by name, from config.yaml'),
    row('status, top, logs -f [NAME]', 'what they do'),
    row('explain DEST, doctor [DEST]', 'which tunnel captures DEST; what is wrong'),
    ...(captures ? [row('sudoers --install', 'no more questions for a password')] : []),
    ...(system.serviceManager === undefined ? [] : [row('service install NAME', 'start it at login')]),
    '',
    'More:',
    row('tshuttle --help', 'all options and commands'),
    row('tshuttle help COMMAND', 'the options of one'),
    row('tshuttle help [TOPIC]', 'recipes, names, login, sshuttle, security'),
    '',
  ].join('\n');
}

function row(names: string, what: string): string {
  return `  ${names.padEnd(NAMES)}${what}`;
}
