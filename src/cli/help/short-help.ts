import type { SystemWords } from '../../core/systems/words.ts';

/** How wide the left column is. */
const NAMES = 34;

/** What `-h` prints: what most people need of {@link SystemWords a system}, on one screen of 80 columns and 40 lines. */
export function shortHelp(system: SystemWords): string {
  const captures = system.redirector !== undefined;
  return [
    ...(captures ? CAPTURING : serving(system)),
    'Running:',
    row('-D, --daemon', 'in the background'),
    row('-v, --verbose', 'log each connection; -vv: everything'),
    ...(captures ? [row('--dry-run', 'only show the redirect rules')] : []),
    row('--save NAME', 'save these options, for tshuttle up NAME'),
    ...(captures ? [row('--socks PORT, -L PORT:HOST:PORT', 'a proxy, a fixed port: both need no root')] : []),
    row(
      `run ${system.platform === 'linux' ? '--isolated' : '--rootless'} -r ... -- CMD`,
      captures ? 'for one command, without root' : 'for one command, by proxies; with SUBNETs',
    ),
    '',
    'Commands:',
    row('up, down, restart, reload NAME', 'tunnels by name, from config.yaml'),
    row('status, top, logs -f [NAME]', 'what they do'),
    row(
      'explain DEST, doctor [DEST]',
      `${captures ? 'which tunnel captures' : 'what became of'} DEST; what is wrong`,
    ),
    ...(captures ? [row('sudoers --install', 'no more questions for a password')] : []),
    ...(system.serviceManager === undefined ? [] : [row('service install NAME', 'start it at login')]),
    '',
    'More:',
    row('tshuttle --help', 'all options and commands'),
    row('tshuttle help COMMAND', 'the options of one'),
    row(
      'tshuttle help [TOPIC]',
      system.platform === 'win32' ? 'windows, proxies, recipes, login, security' : TOPICS,
    ),
    '',
  ].join('\n');
}

const TOPICS = 'recipes, names, login, sshuttle, security';

const WHERE_THE_BASTION_IS: readonly string[] = [
  'Bastion:',
  row('-r, --remote [USER@]HOST[:PORT]', 'the ssh server, or a Host of ~/.ssh/config'),
  row('-i, --identity FILE', 'private key to log in with'),
  row('-J, --jump HOP[,HOP...]', 'reach it through these ssh servers'),
  row('-o, --ssh-option KEY=VALUE', 'as for ssh -o'),
  '',
];

const CAPTURING: readonly string[] = [
  'Usage: tshuttle -r [USER@]HOST[:PORT] [options] SUBNET...',
  '',
  'Sends TCP connections to SUBNETs through one ssh connection to a bastion, on',
  'which nothing is installed. When tshuttle ends, this machine is as it was.',
  '',
  '  tshuttle -r me@bastion.example.com 10.0.0.0/8 db.example.com:5432',
  '',
  ...WHERE_THE_BASTION_IS,
  'What is captured:',
  row('SUBNET', '10.0.0.0/8, 10.1.2.3, 0/0, db.example.com'),
  row('SUBNET:PORT', '10.0.0.0/8:443, db.example.com:5432'),
  row('-x, --exclude SUBNET', 'never capture this'),
  row('--domain ZONE', 'names that only the bastion resolves'),
  row('--dns', 'all DNS queries; --to-ns IP answers them'),
  '',
];

/** Where nothing can be captured. */
function serving({ name, platform }: SystemWords): readonly string[] {
  return [
    'Usage: tshuttle -r [USER@]HOST[:PORT] [options]',
    '',
    'Sends what comes to its proxies and ports through one ssh connection to a',
    'bastion, on which nothing is installed.',
    platform === 'win32'
      ? 'On Windows nothing can capture connections; WSL2 can: tshuttle help windows'
      : `On ${name} nothing can capture connections.`,
    '',
    '  tshuttle -r me@bastion.example.com --socks 1080',
    '',
    ...WHERE_THE_BASTION_IS,
    'What is served:',
    row('--socks PORT', 'a SOCKS proxy'),
    row('--http-proxy PORT', 'a proxy of HTTP'),
    row('-L PORT:HOST:PORT', 'a port that leads to one place'),
    '',
  ];
}

function row(names: string, what: string): string {
  return `  ${names.padEnd(NAMES)}${what}`;
}
