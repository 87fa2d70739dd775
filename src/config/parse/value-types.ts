import { FIRST_FREE_TABLE, markTable } from '../../intercept/rules/tproxy/packet-mark.ts';
import type { ToAbsolute } from './files/named-files.ts';
import { withAbsolutePaths } from './files/ssh-option-paths.ts';
import type { ReadTextFile } from './files/text-file.ts';
import { type PlacedForward, parseForward } from './forward.ts';
import { Invalid } from './invalid.ts';
import { type Listen, parseListen } from './listen.ts';
import {
  readHostAddress,
  readNameservers,
  readResolvers,
  readSeedHosts,
  readSyntheticRanges,
  readZone,
} from './name-values.ts';
import { parseTrafficSource } from './networks/also-from.ts';
import { type PlacedMap, parseNetworkMap } from './networks/network-map.ts';
import { parseSubnet, type SubnetRule } from './networks/subnet.ts';
import { parseSubnetFile } from './networks/subnet-file.ts';
import { readAccount, readCgroup, readNamespaceName, readProcessId } from './program-values.ts';
import { type ProxyLogin, parseProxyListen, parseProxyLogin } from './proxy-listen.ts';
import { parseRemote, type Remote } from './remote.ts';
import { readSshCommand } from './ssh-command.ts';
import { parseUpstreamProxy, type UpstreamProxyOption } from './upstream-proxy.ts';

/** The files that options name. */
export interface NamedFiles {
  readonly toAbsolute: ToAbsolute;
  readonly readTextFile: ReadTextFile;
  /** Says why a file cannot be read, or undefined when it can. */
  readonly whyUnreadable: (path: string) => string | undefined;
  /** Whether others may have seen a text, as ps(1) shows what stands on a command line. Where left out they may. */
  readonly isShown?: (text: string) => boolean;
}

/** Where a value stands: what is wrong with it is told there, as often as there is something. */
export interface ValuePlace extends NamedFiles {
  /** For people, at the beginning of a message. */
  readonly where: string;
  wrong(what: string): undefined;
  /** With one of the items in it. */
  wrongItem(item: string, what: string): undefined;
  /** With the file that it names. */
  badFile(what: string, where?: string): undefined;
  /** Right, but probably not what the user wants. */
  warn(what: string): void;
}

/** Where a catalog comes from. */
export type OpenstackCatalog =
  /** A token, an application credential or a password of the cloud. */
  | { readonly kind: 'credentials' }
  /** What `openstack catalog list -f json` has printed; `-` is standard input. */
  | { readonly kind: 'file'; readonly path: string }
  /** `openstack catalog list -f json`, run for the user. */
  | { readonly kind: 'command' };

/**
 * How the text of a value is read and bounded, by the type that the table of options names. Each returns undefined where the
 * text is wrong, which it has told.
 */
export const VALUE_TYPES = {
  /** As it is. */
  word: (text) => text,
  path: (text, { toAbsolute }) => toAbsolute(text),
  readableFile,
  /** `none` stands for no file at all, as for ssh -F. */
  sshConfig: (text, place) => (text === 'none' ? text : readableFile(text, place)),
  bastion: readBastion,
  sshOption: (text, { wrong, toAbsolute }) =>
    /^[A-Za-z][A-Za-z0-9]*(?:\s*=\s*|\s+)\S/.test(text)
      ? withAbsolutePaths(text, toAbsolute)
      : wrong('is not Key=Value, as in -o ConnectTimeout=10'),
  sshCommand: readSshCommand,
  shellCommand: (text, { wrong }) => {
    if (text.trim() === '') return wrong('is no command, as in \'logger "$TSHUTTLE_MESSAGE"\'');
    // As profiles have it, which a command line may be saved as.
    return /\p{Cc}/u.test(text) ? wrong('has a control character in it; make it a script') : text;
  },
  jumpHosts: (text, { wrong }) =>
    text.split(',').every((hop) => /^[^\s-]\S*$/.test(hop))
      ? text
      : wrong('is not [user@]host[:port], several with commas between them'),
  upstreamProxy: readUpstreamProxy,
  subnet: (text, place) => readSubnet('include', text, place),
  exclude: (text, place) => readSubnet('exclude', text, place),
  subnetFile: (path, place) => readSubnetFile('include', path, place),
  excludeFile: (path, place) => readSubnetFile('exclude', path, place),
  networkMap: readNetworkMap,
  zone: readZone,
  seedHosts: readSeedHosts,
  hostAddress: readHostAddress,
  nameservers: readNameservers,
  resolvers: readResolvers,
  syntheticRanges: readSyntheticRanges,
  cloud: (text, { wrong }) =>
    parseSubnet(text).kind === 'network'
      ? wrong('is a network, not the name of a cloud; write SUBNETs before it, or --openstack=CLOUD')
      : text,
  catalog: (text, { toAbsolute }): OpenstackCatalog =>
    text === 'cli' ? { kind: 'command' } : { kind: 'file', path: text === '-' ? text : toAbsolute(text) },
  markBits: readMarkBits,
  listen: readListen,
  userAccount: (text, place) => readAccount('user', text, place),
  groupAccount: (text, place) => readAccount('group', text, place),
  cgroup: readCgroup,
  namespaceName: readNamespaceName,
  processId: readProcessId,
  trafficSource: (text, place) => valid(parseTrafficSource(text), place),
  listenPlace: (text, place) => valid(parseProxyListen(text), place),
  forward: readForward,
  loginFile: readLoginFile,
} as const satisfies Readonly<Record<string, (text: string, place: ValuePlace) => unknown>>;

/** What the table calls a way to read a value. */
export type ValueType = keyof typeof VALUE_TYPES;

/** What a value of a type is, once it is read. */
export type ValueOf<T extends ValueType> = Exclude<ReturnType<(typeof VALUE_TYPES)[T]>, undefined>;

/** @returns the absolute path, also where the file cannot be read */
function readableFile(path: string, { toAbsolute, whyUnreadable, badFile }: ValuePlace): string {
  const absolute = toAbsolute(path);
  const reason = whyUnreadable(absolute);
  if (reason !== undefined) badFile(`cannot be read: ${reason}`);
  return absolute;
}

/** The value of a text, of which it is told what is wrong. */
function valid<T>(parsed: T | Invalid, { wrong }: ValuePlace): T | undefined {
  return parsed instanceof Invalid ? wrong(parsed.what) : parsed;
}

function readMarkBits(text: string, { wrong }: ValuePlace): number | undefined {
  const bits = Number.parseInt(/^(?:0x)?([0-9a-f]{1,8})$/i.exec(text)?.[1] ?? '0', 16);
  if (bits === 0) return wrong('is not a packet mark in hexadecimal, 0x1 to 0xffffffff');
  return markTable({ mark: bits }) < FIRST_FREE_TABLE
    ? wrong("is a mark whose routing table is the system's")
    : bits;
}

function readBastion(text: string, place: ValuePlace): Remote | undefined {
  const remote = valid(parseRemote(text), place);
  if (remote?.password !== undefined && place.isShown?.(text) !== false)
    place.warn('other users of this machine may have seen the password; leave it out to be asked for it');
  return remote;
}

function readUpstreamProxy(text: string, place: ValuePlace): UpstreamProxyOption | undefined {
  const proxy = valid(parseUpstreamProxy(text), place);
  const what =
    'other users of this machine may have seen the password; TSHUTTLE_ARGS or a file @FILE hides it';
  if (proxy?.password !== undefined && place.isShown?.(text) !== false) place.warn(what);
  return proxy;
}

function readSubnet(action: SubnetRule['action'], text: string, place: ValuePlace): SubnetRule | undefined {
  const subnet = valid(parseSubnet(text), place);
  const [, network] = /^((?:\d+\.){3}0)(?::|$)/.exec(text) ?? [];
  if (action === 'include' && subnet !== undefined && network !== undefined)
    place.warn(
      `is the one address ${network}; for the network write ${network}/24, or how long its prefix is`,
    );
  return subnet && { action, subnet, where: place.where };
}

function readSubnetFile(
  action: SubnetRule['action'],
  path: string,
  { badFile, toAbsolute, readTextFile }: ValuePlace,
): readonly SubnetRule[] | undefined {
  const file = readTextFile(path === '-' ? path : toAbsolute(path));
  if (file.kind === 'unreadable') return badFile(file.what);
  const { entries, problems } = parseSubnetFile(path === '-' ? 'standard input' : path, file.text);
  for (const { where, what } of problems) badFile(what, where);
  return entries.map(({ subnet, where }) => ({ action, subnet, where }));
}

function readNetworkMap(text: string, place: ValuePlace): PlacedMap | undefined {
  const map = valid(parseNetworkMap(text), place);
  return map && { ...map, where: place.where };
}

function readForward(text: string, place: ValuePlace): PlacedForward | undefined {
  const forward = valid(parseForward(text, place.toAbsolute), place);
  return forward && { ...forward, where: place.where };
}

function readListen(text: string, place: ValuePlace): Listen | undefined {
  const listen = valid(parseListen(text), place);
  const outside = [listen?.address4, listen?.address6].find(
    (address) => address === '0.0.0.0' || address === '::',
  );
  if (outside !== undefined)
    place.warn(
      `only connections that this machine opens are captured, whoever ${outside} would admit; --also-from IFACE or NETWORK has those of others captured, too`,
    );
  return listen;
}

function readLoginFile(
  path: string,
  { badFile, toAbsolute, readTextFile }: ValuePlace,
): ProxyLogin | undefined {
  const file = readTextFile(toAbsolute(path), { isSecret: true });
  if (file.kind === 'unreadable') return badFile(file.what);
  return parseProxyLogin(file.text) ?? badFile('does not begin with a line USER:PASSWORD');
}
