import type { Endpoint } from '../../net/address/endpoint.ts';
import { addressToNumber, type IpFamily } from '../../net/address/literal.ts';
import type { PortRange } from '../../net/address/port-range.ts';
import {
  type Fields,
  fieldOf,
  GrammarError,
  readAddress,
  readAnyAddress,
  readEndpoint,
  readFamilies,
  readInteger,
  readJson,
  readList,
  readObject,
  readPort,
  readWord,
} from '../../net/messages/field-reader.ts';
import {
  MAX_LOOK_UPS,
  MAX_STRANDED,
  type RedirectedConnection,
} from '../../net/sockets/redirected-connection.ts';
import type { Request } from '../protocol/protocol.ts';
import {
  MAX_EXEMPT,
  MAX_EXEMPT_PORTS,
  MAX_GROUPS,
  MAX_INTERVALS,
  MAX_NAMESERVERS,
} from '../rules/plan-limits.ts';
import { CANDIDATES, WANTED_METHODS } from '../rules/redirect-methods.ts';
import {
  type AddressInterval,
  type DnsRedirect,
  type NameserverRedirect,
  type PortGroup,
  type RedirectPlan,
  type RoutedNetwork,
  UDP_POLICIES,
} from '../rules/redirect-plan.ts';
import { MAX_RESOLVER_FILES, type ResolverFiles } from '../rules/resolver-files.ts';
import { readProgramMatches } from './cgroup/decode-programs.ts';
import { readDescriptors, readMarkBits } from './drivers/tproxy/decode-tproxy.ts';
import { readAlsoFrom } from './grammar/decode-also-from.ts';
import { readZoneName } from './resolver/read-zone-name.ts';

const REQUEST_TYPES = [
  'start',
  'cleanup',
  'use',
  'apply',
  'route',
  'end-stranded',
  'look-up',
  'enclose',
  'transparent',
  'look',
] as const;

/**
 * Takes one line as a request. This is the border of the root process: whatever passes is safe to render.
 *
 * @throws GrammarError for anything that is not exactly in the grammar
 */
export function decodeRequest(line: string): Request {
  const value = readJson(line);
  const type = readWord(fieldOf(value, 'type'), 'type', REQUEST_TYPES);
  const request = (...keys: string[]): Fields => readObject(value, 'request', ['type', 'id', ...keys]);
  switch (type) {
    case 'start': {
      const fields = request('method', 'families');
      const method = readWord(fields['method'], 'method', WANTED_METHODS);
      return { type, id: readId(fields), method, families: readFamilies(fields['families'], 'families') };
    }
    case 'use': {
      const fields = request('candidate');
      return { type, id: readId(fields), candidate: readWord(fields['candidate'], 'candidate', CANDIDATES) };
    }
    case 'apply': {
      const fields = request('plan');
      return { type, id: readId(fields), plan: readPlan(fields['plan']) };
    }
    case 'route': {
      const fields = request('network');
      return { type, id: readId(fields), network: readNetwork(fields['network']) };
    }
    case 'end-stranded': {
      const fields = request('connections');
      const connections = readList(fields['connections'], 'connections', MAX_STRANDED, readConnection);
      return { type, id: readId(fields), connections };
    }
    case 'look-up': {
      const fields = request('originators');
      const originators = readList(fields['originators'], 'originators', MAX_LOOK_UPS, readEndpoint);
      return { type, id: readId(fields), originators };
    }
    case 'enclose': {
      const fields = request('pid');
      return { type, id: readId(fields), pid: readInteger(fields['pid'], 'pid', 1, 2 ** 31 - 1) };
    }
    case 'transparent': {
      const fields = request('descriptors');
      return { type, id: readId(fields), descriptors: readDescriptors(fields['descriptors'], 'descriptors') };
    }
    case 'cleanup':
    case 'look':
      return { type, id: readId(request()) };
  }
}

function readId(fields: Fields): number {
  return readInteger(fields['id'], 'id', 1, Number.MAX_SAFE_INTEGER);
}

function readConnection(value: unknown, where: string): RedirectedConnection {
  const fields = readObject(value, where, ['originator', 'destination']);
  const originator = readEndpoint(fields['originator'], `${where}.originator`);
  const destination = readEndpoint(fields['destination'], `${where}.destination`);
  if (originator.family !== destination.family) throw new GrammarError(`${where} has two families`);
  // The kernel takes the mapped form for IPv4, which the plan decides by other intervals.
  if (isMapped(originator) || isMapped(destination)) throw new GrammarError(`${where} has a mapped address`);
  return { originator, destination };
}

function isMapped({ family, address }: Endpoint): boolean {
  return family === 6 && addressToNumber(6, address) >> 32n === 0xffffn;
}

/** Networks of more than 2^24 addresses would take more from the machine than names need. */
const MIN_PREFIX_LENGTH = 8;
/** Room for the network's own address, the device's, and one name. */
const MAX_PREFIX_LENGTH = 29;

function readNetwork(value: unknown): RoutedNetwork {
  const fields = readObject(value, 'network', ['address', 'prefixLength']);
  const address = readAddress(fields['address'], 'network.address', 4);
  const prefixLength = readInteger(
    fields['prefixLength'],
    'network.prefixLength',
    MIN_PREFIX_LENGTH,
    MAX_PREFIX_LENGTH,
  );
  const hostBits = BigInt(32 - prefixLength);
  if (addressToNumber(4, address) % (1n << hostBits) !== 0n) {
    throw new GrammarError('network.address has bits beyond its prefix');
  }
  return { address, prefixLength };
}

function readPlan(value: unknown): RedirectPlan {
  const fields = readObject(value, 'plan', [
    'listenerPort',
    'families',
    'groups',
    'exempt',
    'dns',
    'replies',
    'only',
    'udp',
    'resolverFiles',
    'alsoFrom',
    'tmark',
  ]);
  const groups = readList(fields['groups'], 'plan.groups', MAX_GROUPS, readGroup);
  const intervals = groups.reduce(
    (count, group) => count + group.intervals4.length + group.intervals6.length,
    0,
  );
  if (intervals > MAX_INTERVALS) throw new GrammarError(`plan has more than ${MAX_INTERVALS} intervals`);
  return {
    listenerPort: readPort(fields['listenerPort'], 'plan.listenerPort'),
    families: readFamilies(fields['families'], 'plan.families'),
    groups,
    exempt: readList(fields['exempt'], 'plan.exempt', MAX_EXEMPT, readEndpoint),
    dns: fields['dns'] === null ? null : readDns(fields['dns']),
    replies: readWord(fields['replies'], 'plan.replies', ['plain', 'disguised']),
    only: fields['only'] === null ? null : readProgramMatches(fields['only'], 'plan.only'),
    udp: readWord(fields['udp'], 'plan.udp', UDP_POLICIES),
    resolverFiles: fields['resolverFiles'] === null ? null : readResolverFiles(fields['resolverFiles']),
    alsoFrom: fields['alsoFrom'] === null ? null : readAlsoFrom(fields['alsoFrom']),
    tmark: fields['tmark'] === null ? null : readMarkBits(fields['tmark'], 'plan.tmark'),
  };
}

function readDns(value: unknown): DnsRedirect {
  const fields = readObject(value, 'plan.dns', ['redirects', 'exemptPorts']);
  return {
    redirects: readList(fields['redirects'], 'plan.dns.redirects', MAX_NAMESERVERS, readNameserver),
    exemptPorts: readList(fields['exemptPorts'], 'plan.dns.exemptPorts', MAX_EXEMPT_PORTS, readPort),
  };
}

function readResolverFiles(value: unknown): ResolverFiles {
  const where = 'plan.resolverFiles';
  const fields = readObject(value, where, ['zones', 'port']);
  const zones = readList(fields['zones'], `${where}.zones`, MAX_RESOLVER_FILES, readZoneName);
  return { zones, port: readPort(fields['port'], `${where}.port`) };
}

function readNameserver(value: unknown, where: string): NameserverRedirect {
  const fields = readObject(value, where, ['nameserver', 'port']);
  return {
    nameserver: readAnyAddress(fields['nameserver'], `${where}.nameserver`),
    port: readPort(fields['port'], `${where}.port`),
  };
}

function readGroup(value: unknown, where: string): PortGroup {
  const fields = readObject(value, where, ['ports', 'intervals4', 'intervals6']);
  return {
    ports: readPorts(fields['ports'], `${where}.ports`),
    intervals4: readIntervals(fields['intervals4'], `${where}.intervals4`, 4),
    intervals6: readIntervals(fields['intervals6'], `${where}.intervals6`, 6),
  };
}

function readPorts(value: unknown, where: string): PortRange {
  const fields = readObject(value, where, ['first', 'last']);
  const first = readPort(fields['first'], `${where}.first`);
  return { first, last: readInteger(fields['last'], `${where}.last`, first, 65_535) };
}

function readIntervals(value: unknown, where: string, family: IpFamily): AddressInterval[] {
  let lastValue = -1n;
  return readList(value, where, MAX_INTERVALS, (item, itemWhere) => {
    const fields = readObject(item, itemWhere, ['first', 'last', 'action']);
    const first = readAddress(fields['first'], `${itemWhere}.first`, family);
    const last = readAddress(fields['last'], `${itemWhere}.last`, family);
    const firstValue = addressToNumber(family, first);
    if (firstValue <= lastValue) throw new GrammarError(`${itemWhere} is not after the interval before it`);
    lastValue = addressToNumber(family, last);
    if (lastValue < firstValue) throw new GrammarError(`${itemWhere} runs backwards`);
    return { first, last, action: readWord(fields['action'], `${itemWhere}.action`, ['capture', 'pass']) };
  });
}
