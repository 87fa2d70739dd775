import type { Problem } from '../core/problem.ts';
import { type Cidr, cidrOf } from '../net/address/cidr.ts';
import type { DnsOption } from './config.ts';
import { Findings } from './findings.ts';
import { placeOnCommandLine } from './options/place.ts';
import { type ReadContext, readOptions } from './options/read-options.ts';
import {
  type KeyOfPart,
  keysOfPart,
  NOTHING_GIVEN,
  type OptionValues,
  type RawOptions,
} from './options/table.ts';
import type { NamedFiles } from './parse/value-types.ts';

/** 198.18.0.0/15 is for benchmarks (RFC 2544) and never on the internet; the other is a ULA range (RFC 4193) drawn by lot. */
export const DEFAULT_RANGES: { readonly range4: Cidr; readonly range6: Cidr } = {
  range4: cidrOf('198.18.0.0', 15),
  range6: cidrOf('fd9b:4e27:6cd1::', 96),
};

/** What was asked for, undefined when DNS is to be left alone; or all that is wrong. */
export type DnsResult =
  | { readonly kind: 'dns'; readonly dns: DnsOption | undefined }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

/** No option of DNS names one. */
const NO_FILES: NamedFiles = {
  toAbsolute: (path) => path,
  readTextFile: () => ({ kind: 'unreadable', what: 'is not read' }),
  whyUnreadable: () => undefined,
};

/** Reads the options of DNS alone. */
export function parseDns(given: Partial<RawOptions>): DnsResult {
  const findings = new Findings();
  const context = { raw: { ...NOTHING_GIVEN, ...given }, findings, locate: placeOnCommandLine };
  const dns = dnsOf(readOptions(keysOfPart('dns'), context, NO_FILES), context);
  const { problems } = findings;
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'dns', dns };
}

/** What the options of DNS come to together. */
export function dnsOf(
  {
    zones,
    seedHosts = [],
    everything,
    nameservers,
    resolvers,
    ...values
  }: Pick<OptionValues, KeyOfPart<'dns'>>,
  { raw, findings, locate }: ReadContext,
): DnsOption | undefined {
  const isForZones = hasZone(raw);
  // As sshuttle has it, --ns-hosts alone means all names.
  const isForEverything = everything || (raw.nameservers !== undefined && !isForZones);
  const isWanted = isForEverything || isForZones;
  if (raw.resolvers !== undefined && !isWanted) {
    const what = 'has no effect without --dns, --ns-hosts or --domain';
    findings.wrong(locate('resolvers', raw.resolvers), what);
  }
  if (raw.resolve === 'bastion' && !isForZones)
    findings.wrong(locate('resolve', raw.resolve), 'has no effect without --domain');
  if (!isWanted && !values.bastionHosts && values.hosts.length === 0) return undefined;
  return {
    nameservers: nameservers ?? 'system',
    resolvers: resolvers ?? [],
    everything: isForEverything,
    zones: [...zones, ...seedHosts],
    resolve: values.resolve,
    syntheticRanges: { ...DEFAULT_RANGES, ...values.syntheticRanges },
    hosts: values.hosts,
    bastionHosts: values.bastionHosts,
  };
}

/** Whether names of the bastion's side are asked for, which is something to capture. */
export function hasZone(raw: Pick<RawOptions, 'zones' | 'seedHosts'>): boolean {
  return raw.zones.length > 0 || raw.seedHosts !== undefined;
}
