import { type Cidr, formatCidr, makeCidr } from '../../net/address/cidr.ts';
import { addressToNumber } from '../../net/address/literal.ts';
import { parseCidr } from '../../net/address/parse-cidr.ts';

/** Lines of one listing that are sent: a router has the routes of the whole Internet. */
const MAX_LINES = 512;

const FIRST_LINE = 'tshuttle-routes';
const LAST_LINE = 'tshuttle-end';

/**
 * What lists the routes of a bastion: iproute2 and busybox by `ip`, others by `netstat`. On one line and without a quote inside, so that
 * every login shell hands it to sh as it is, csh and fish, too. What is not there is left out, and the first and the last line tell
 * whether the whole of it ran.
 */
export const ROUTES_COMMAND = `sh -c '${[
  'LC_ALL=C PATH=$PATH:/usr/sbin:/sbin',
  'export LC_ALL PATH',
  `echo ${FIRST_LINE}`,
  `if ip -4 route >/dev/null 2>&1; then echo ip; ip -4 route | head -n ${MAX_LINES}; ip -6 route 2>/dev/null | head -n ${MAX_LINES}`,
  `elif netstat -rn >/dev/null 2>&1; then echo netstat; netstat -rn | head -n ${MAX_LINES}`,
  `case $(uname) in Linux) netstat -rn -A inet6 2>/dev/null | head -n ${MAX_LINES};; esac`,
  'else echo none; fi',
  `echo ${LAST_LINE}`,
].join('; ')}'`;

/** What a bastion says of its routes. */
export type BastionRoutes =
  /** Each once, in its order; no default routes, and none that lead nowhere or to the bastion itself. */
  | { readonly kind: 'networks'; readonly networks: readonly Cidr[] }
  | { readonly kind: 'untold'; readonly why: string };

/**
 * Reads what {@link ROUTES_COMMAND} has printed. A line that is no route of one of the known forms is none: the bastion may say
 * anything.
 */
export function parseBastionRoutes(output: string): BastionRoutes {
  const lines = output.split(/\r?\n/);
  // A shell's start-up files may say something before.
  const first = lines.indexOf(FIRST_LINE);
  if (first === -1) {
    const why =
      lines.join('').trim() === ''
        ? 'the command said nothing: another one runs in its place, as with ForceCommand'
        : `another command ran in its place, as with ForceCommand; it says: ${lines.find((line) => line.trim() !== '')}`;
    return { kind: 'untold', why };
  }
  const [how, ...listing] = lines.slice(first + 1);
  if (!listing.includes(LAST_LINE)) return { kind: 'untold', why: 'the command ended before its end' };
  const routes = listing.slice(0, listing.indexOf(LAST_LINE));
  switch (how) {
    case 'ip':
      return networksOf(routes.map(routeOfIp));
    case 'netstat':
      return networksOf(routes.map(routeOfNetstat));
    default:
      return { kind: 'untold', why: 'it has neither ip nor netstat' };
  }
}

function networksOf(routes: ReadonlyArray<Cidr | undefined>): BastionRoutes {
  const networks = new Map<string, Cidr>();
  for (const route of routes) {
    if (route !== undefined && route.prefixLength > 0) networks.set(formatCidr(route), route);
  }
  return { kind: 'networks', networks: [...networks.values()] };
}

/**
 * `10.0.0.0/8 via 192.0.2.1 dev eth0 proto static`, of iproute2 and busybox. Another word than a network is the kind of a route that
 * leads nowhere, or to the machine itself; a line that begins with a blank is one of several ways of the route before it (ip-route(8)).
 */
function routeOfIp(line: string): Cidr | undefined {
  const [destination = '', ...words] = line.split(/ +/);
  const isDown = words.includes('linkdown') || words.includes('dead');
  const isOwn = words[words.indexOf('dev') + 1] === 'lo';
  return !isDown && !isOwn ? parseCidr(destination) : undefined;
}

/** netstat(8) of net-tools: reject, no next hop (an address of the machine). */
const NOT_OF_LINUX = /[!n]/;

/** netstat(1) of the BSDs and macOS: reject, blackhole, a neighbour, what was cloned for one, broadcast, multicast. */
const NOT_OF_BSD = /[RBLWbm]/;

/** `10.0.0.0 192.0.2.1 255.0.0.0 UG ... eth0` and `fd00::/64 :: U ... eth0` of Linux; `10/8 192.0.2.1 UGS vtnet0` of the BSDs. */
function routeOfNetstat(line: string): Cidr | undefined {
  const words = line.trim().split(/\s+/);
  const [destination = '', , third = '', ...rest] = words;
  if (rest.some((word) => /^lo\d*$/.test(word))) return undefined;
  if (/^\d+\.\d+\.\d+\.\d+$/.test(third)) {
    const flags = rest[0] ?? '';
    return isUp(flags) && !NOT_OF_LINUX.test(flags) ? parseWithMask(destination, third) : undefined;
  }
  if (!isUp(third) || NOT_OF_LINUX.test(third) || NOT_OF_BSD.test(third)) return undefined;
  return destination.includes(':') ? parseCidr(destination) : parseShortened(destination);
}

function isUp(flags: string): boolean {
  return /^U[A-Za-z0-9!]*$/.test(flags);
}

function parseWithMask(address: string, mask: string): Cidr | undefined {
  const network = parseCidr(`${address}/32`);
  if (network === undefined || parseCidr(mask) === undefined) return undefined;
  const hosts = ~addressToNumber(4, mask) & 0xffff_ffffn;
  const isMask = (hosts & (hosts + 1n)) === 0n;
  return isMask ? makeCidr(4, network.first, 32 - bitsOf(hosts)) : undefined;
}

function bitsOf(ones: bigint): number {
  return ones === 0n ? 0 : ones.toString(2).length;
}

/** `10/8`, `192.168.1`, `127`: the BSDs leave out zeros at the end; without a prefix length the octets that are there are the network. */
function parseShortened(text: string): Cidr | undefined {
  const match = /^(\d{1,3}(?:\.\d{1,3}){0,3})(?:\/(\d{1,2}))?$/.exec(text);
  if (match === null) return undefined;
  const octets = match[1]!.split('.');
  const whole = [...octets, '0', '0', '0'].slice(0, 4).join('.');
  return parseCidr(`${whole}/${match[2] ?? octets.length * 8}`);
}
