import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Config, capturesAnything } from '../../config/config.ts';
import { DEFAULT_RANGES } from '../../config/dns.ts';
import type { LookUp } from '../../config/resolve-subnets.ts';
import type { DnsOptions } from '../../dns/names/dns-options.ts';
import type { CaptureRule } from '../../net/address/capture-rule.ts';
import type { NetworkNamespace } from '../../net/machine/namespace/network-namespace.ts';
import type { ListenAddresses } from '../../net/sockets/listener.ts';
import type { SplitOptions } from '../../tunnel/flows/split.ts';
import type { TunnelOptions } from '../../tunnel/tunnel-options.ts';
import { sshRequestOf, standbyRequestsOf } from './ssh-request.ts';

/** Where a tunnel runs, and what for. */
export interface TunnelSurroundings {
  readonly lookUp: LookUp;
  /** Where a tunnel keeps what it is to know in its next run. */
  readonly stateFolder: string;
  /** Only what comes by proxies and forwards is carried, and what no rule captures goes direct: nothing needs root. */
  readonly isRootless?: boolean;
  /** What is captured are the connections in it, not those of the one that we run in; owned by the caller. */
  readonly namespace?: NetworkNamespace | undefined;
  /** The process whose connections alone are captured, with those of all that it starts. */
  readonly enclosed?: number | undefined;
}

/** Which tunnel a configuration asks for, with what its names have come to. */
export function tunnelOptions(
  config: Config,
  rules: readonly CaptureRule[],
  { stateFolder, lookUp, isRootless = false, namespace, enclosed }: TunnelSurroundings,
): TunnelOptions {
  const isOwn = namespace?.kind === 'own';
  const carriesAll = isRootless || isOwn;
  return {
    remotes: [sshRequestOf(config), ...standbyRequestsOf(config)],
    rules,
    listen: listenAddresses(config, () => namespace?.ipv6 ?? hasIPv6Loopback()),
    method: config.method,
    alsoFrom: config.alsoFrom,
    programs: config.programs,
    enclosed,
    udp: config.udp,
    tmark: config.tmark ?? null,
    dns: isRootless ? undefined : isOwn ? dnsOfAll(config) : config.dns,
    namespace,
    stateFolder: join(stateFolder, 'synthetic-addresses'),
    ipv6: config.ipv6 && namespace?.ipv6 !== false,
    captures: isOwn || (!isRootless && capturesAnything(config)),
    split: carriesAll ? splitOptions(config, lookUp, isOwn) : undefined,
    proxies: config.proxies,
    forwards: config.forwards,
    maps: config.maps,
    proxyCredentials: config.proxyLogin,
    mayOpenSession: config.mayOpenSession,
    connections: config.connections,
    transport: config.transport,
    onDown: config.onDown,
    holdMs: config.holdSeconds * 1000,
  };
}

/** Where no query finds its way by itself, those for names of no concern to us are passed on. */
function dnsOfAll({ dns }: Config): DnsOptions {
  const asEver: DnsOptions = {
    nameservers: 'system',
    resolvers: [],
    everything: false,
    zones: [],
    hosts: [],
    bastionHosts: false,
    resolve: 'auto',
    syntheticRanges: DEFAULT_RANGES,
  };
  return dns === undefined ? asEver : { ...dns, nameservers: 'system' };
}

function splitOptions({ dns, subnets }: Config, lookUp: LookUp, refusesOwnAddresses: boolean): SplitOptions {
  const names = subnets.flatMap(({ action, subnet }) =>
    action === 'include' && subnet.kind === 'name' ? [subnet.name] : [],
  );
  return { zones: dns?.zones ?? [], hosts: dns?.hosts ?? [], names, lookUp, refusesOwnAddresses };
}

function listenAddresses({ listen, ipv6 }: Config, hasIpv6: () => boolean): ListenAddresses | undefined {
  const { address4, address6, port } = listen;
  if (address4 !== undefined || address6 !== undefined) return listen;
  if (port === undefined) return undefined;
  return { address4: '127.0.0.1', address6: ipv6 && hasIpv6() ? '::1' : undefined, port };
}

function hasIPv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );
}
