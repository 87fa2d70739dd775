import { isIP } from 'node:net';
import type { Problem } from '../core/problem.ts';
import { canonicalIpv6, type Endpoint, makeEndpoint } from '../net/endpoint.ts';
import type { DnsOption } from './config.ts';
import { parsePort } from './ports.ts';

const DNS_PORT = 53;

/** Libc asks no more than 3 (resolv.conf(5)), and a client has given up before as many have timed out. */
const MAX_RESOLVERS = 3;
const MAX_NAMESERVERS = 16;

/** What was asked for, undefined when DNS is to be left alone; or all that is wrong. */
export type DnsResult =
  | { readonly kind: 'dns'; readonly dns: DnsOption | undefined }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

/** The values of `--dns`, `--ns-hosts` and `--to-ns`. */
export interface RawDns {
  readonly dns: boolean;
  readonly nameservers?: string | undefined;
  readonly resolvers?: string | undefined;
}

/** Checks the options of DNS together. */
export function parseDns(raw: RawDns): DnsResult {
  const option = raw.nameservers === undefined ? '--dns' : `--ns-hosts ${raw.nameservers}`;
  const isWanted = raw.dns || raw.nameservers !== undefined;
  const problems: Problem[] = [];
  const wrong = (where: string, what: string): void => void problems.push({ where, what });

  const nameservers = (raw.nameservers?.split(',') ?? []).flatMap((text) => {
    const address = parseAddress(text);
    if (address === undefined) wrong(option, `has ${text || 'nothing'} for an address, as in 192.0.2.53`);
    return address ?? [];
  });
  if (nameservers.length > MAX_NAMESERVERS) wrong(option, `has more than ${MAX_NAMESERVERS} addresses`);

  const toNs = `--to-ns ${raw.resolvers}`;
  const resolvers = (raw.resolvers?.split(',') ?? []).flatMap((text) => {
    const resolver = parseResolver(text);
    if (resolver === undefined)
      wrong(toNs, `has ${text || 'nothing'} where IP, IP:PORT or [IPV6]:PORT belongs`);
    return resolver ?? [];
  });
  if (resolvers.length > MAX_RESOLVERS) wrong(toNs, `has more than ${MAX_RESOLVERS} resolvers`);
  if (isWanted && raw.resolvers === undefined) {
    wrong(option, 'needs a resolver that the bastion can reach; name it, as in --to-ns 10.0.0.2');
  }
  if (!isWanted && raw.resolvers !== undefined) wrong(toNs, 'has no effect without --dns or --ns-hosts');

  if (problems.length > 0) return { kind: 'invalid', problems };
  if (!isWanted) return { kind: 'dns', dns: undefined };
  return {
    kind: 'dns',
    dns: { nameservers: raw.nameservers === undefined ? 'system' : [...new Set(nameservers)], resolvers },
  };
}

function parseAddress(text: string): string | undefined {
  if (isIP(text) === 4) return text;
  return isIP(text) === 6 && !text.includes('%') ? canonicalIpv6(text) : undefined;
}

function parseResolver(text: string): Endpoint | undefined {
  if (isIP(text) !== 0) return makeEndpoint(text, DNS_PORT);
  const [, address, portText] = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? /^([^:]*):([^:]*)$/.exec(text) ?? [];
  if (address === undefined) return undefined;
  if (portText === undefined) return makeEndpoint(address, DNS_PORT);
  const port = parsePort(portText);
  return port.kind === 'invalid' ? undefined : makeEndpoint(address, port.port);
}
