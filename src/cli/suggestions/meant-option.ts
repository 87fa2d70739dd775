import { Invalid } from '../../config/parse/invalid.ts';
import { parseRemote, withoutPassword } from '../../config/parse/remote.ts';
import { closestOf } from '../../config/profiles/closest.ts';

/** What an option that is not there stands among. */
export interface OptionPlace {
  /** As it was given, perhaps with its value behind it. */
  readonly flag: string;
  /** The word after it, where that is no option. */
  readonly next: string | undefined;
  /** What `-r` names; undefined where nothing does. */
  readonly remote: string | undefined;
  /** The options that there are, short ones and long ones. */
  readonly options: readonly string[];
  /** The commands of help: an option may be meant for one. */
  readonly commands: readonly string[];
}

type Say = (value: string | undefined, remote: string | undefined) => string;

const says =
  (what: string): Say =>
  () =>
    what;

const USER: Say = (value, remote) =>
  `the user goes before the bastion: -r ${value ?? 'USER'}@${hostIn(remote, { keepsPort: true })}`;
const PORT: Say = (value, remote) => {
  const port = Number(/^\d+$/.test(value ?? '') ? value : Number.NaN);
  const isPort = port >= 1 && port <= 65_535;
  const why = isPort || Number.isNaN(port) ? '' : `; ${value} is no port: they are 1 to 65535`;
  return `the port goes after the bastion: -r ${hostIn(remote)}:${isPort ? value : 'PORT'}${why}`;
};
const KEY: Say = (value) => `name a private key with -i ${value ?? 'FILE'}`;
const BACKGROUND = says('-D runs it in the background');
const PASSWORD = says('a password is asked for, on the terminal or by SSH_ASKPASS');
const PROFILE: Say = (value) => `start a profile with tshuttle up ${value ?? 'NAME'}`;
const RESOLVER: Say = (value) =>
  `--dns captures queries, and --to-ns ${value ?? 'IP'} names who answers them`;

/** Options of ssh and of other tunnels, by what does the same here. */
const ELSEWHERE: ReadonlyMap<string, Say> = new Map<string, Say>([
  ...(['-p', '--port'] as const).map((flag) => [flag, PORT] as const),
  ...(['-u', '--username', '--login'] as const).map((flag) => [flag, USER] as const),
  ...(['-k', '--key', '--private-key', '--identity-file'] as const).map((flag) => [flag, KEY] as const),
  ...(['-f', '-d', '-b', '--background', '--detach'] as const).map((flag) => [flag, BACKGROUND] as const),
  ...(['-P', '--password'] as const).map((flag) => [flag, PASSWORD] as const),
  ...(['--profile', '--name'] as const).map((flag) => [flag, PROFILE] as const),
  ...(['--dns-server', '--nameserver', '--resolver'] as const).map((flag) => [flag, RESOLVER] as const),
  ['-C', says('-o Compression=yes compresses')],
  ['-c', (value) => `-o Ciphers=${value ?? 'NAMES'} chooses the cipher`],
  ['-m', (value) => `-o MACs=${value ?? 'NAMES'} chooses the MAC; --method what redirects`],
  ['-4', says('--disable-ipv6 captures IPv4 only; -o AddressFamily=inet connects by IPv4')],
  ['-6', says('IPv6 is captured where a SUBNET is of it; -o AddressFamily=inet6 connects by it')],
  ['--no-ipv6', says('--disable-ipv6 captures IPv4 only')],
  ['-S', (value) => `--control-path ${value ?? 'PATH'} joins a running ssh`],
  ['-W', says('-L PORT:HOST:PORT leads to one place')],
  ['-w', says('tun devices are not used: SUBNETs are captured')],
  ['-A', says('the agent is never forwarded')],
  ['-n', says('--dry-run only prints the rules')],
  ['--proxy', says('--socks PORT serves one, --upstream-proxy URL goes through one')],
  ['--socks5', (value) => `--socks ${value ?? 'PORT'} serves SOCKS5, too`],
  ['--http', (value) => `--http-proxy ${value ?? 'PORT'} serves an HTTP proxy`],
  [
    '--config',
    says('profiles are in config.yaml, which tshuttle config edit opens; -F names an ssh configuration'),
  ],
]);

/** How many letters of a long option have to be right for the rest to be more than chance. */
const LETTERS_ALIKE = 5;

/** What does here what an option of ssh's, or of another tunnel's, is for; undefined where it is of none. */
export function doneElsewhere(place: OptionPlace): string | undefined {
  const { name, value = place.next } = split(place.flag);
  const shown = value === undefined ? undefined : withoutPassword(value, 'even without a host');
  return ELSEWHERE.get(name)?.(shown, place.remote);
}

/** What was meant by an option that there is not: half a sentence with what to write, or nothing. */
export function meantByOption(place: OptionPlace): string | undefined {
  const { flag, options, commands } = place;
  const name = flag.split('=', 1)[0]!;
  if (options.includes(`-${name}`) && name.length > 2) return `with two dashes it is -${name}`;
  if (!name.startsWith('--')) {
    const otherCase = name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase();
    return name.length === 2 && options.includes(otherCase) ? `perhaps ${otherCase}` : undefined;
  }
  if (commands.includes(name.slice(2))) return `a command has no dashes: tshuttle ${name.slice(2)}`;
  const long = options.filter((option) => option.startsWith('--'));
  const alike = long.find(
    (option) =>
      Math.min(option.length, name.length) >= LETTERS_ALIKE + 2 &&
      (option.startsWith(name) || name.startsWith(`${option}-`)),
  );
  const known = [...ELSEWHERE.keys()].filter((option) => option.startsWith('--'));
  const elsewhere = closestOf(name, known, { slips: 1 });
  const meant = alike ?? closestOf(name, elsewhere === undefined ? long : [...long, elsewhere]);
  if (meant === undefined) return undefined;
  if (long.includes(meant)) return `perhaps ${meant}`;
  return `as for ${meant}, ${doneElsewhere({ ...place, flag: flag.replace(name, meant) })}`;
}

/** `-p2222` and `--port=2222`. */
function split(flag: string): { readonly name: string; readonly value: string | undefined } {
  if (!flag.startsWith('--')) return { name: flag.slice(0, 2), value: flag.slice(2) || undefined };
  const [name = '', value] = flag.split('=');
  return { name, value };
}

/** The bastion without its port and, where it has a password, without anything. */
function hostIn(remote: string | undefined, { keepsPort = false } = {}): string {
  const parsed = remote === undefined ? undefined : parseRemote(remote);
  if (parsed === undefined || parsed instanceof Invalid || withoutPassword(remote!) !== remote) return 'HOST';
  const host = parsed.host.includes(':') ? `[${parsed.host}]` : parsed.host;
  if (keepsPort) return parsed.port === undefined ? host : `${host}:${parsed.port}`;
  return parsed.user === undefined ? host : `${parsed.user}@${host}`;
}
