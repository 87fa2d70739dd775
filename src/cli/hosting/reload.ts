import { isDeepStrictEqual } from 'node:util';
import { type Config, capturesAnything, type DnsOption } from '../../config/config.ts';
import { renderProblem } from '../../core/problem.ts';
import type { ReloadReport } from '../../daemon/control/protocol.ts';
import type { RunningTunnel } from '../commands/up.ts';

/** Looked at by themselves, and what says nothing about what a tunnel does. */
const IGNORED: ReadonlySet<keyof Config> = new Set(['subnets', 'dns', 'mode']);

/** What profiles call the options of DNS. */
const DNS_KEYS: Readonly<Record<keyof DnsOption, string>> = {
  zones: 'zones',
  hosts: 'hosts',
  resolve: 'resolve',
  resolvers: 'to_ns',
  nameservers: 'ns_hosts',
  everything: 'dns',
  bastionHosts: 'auto_hosts',
  syntheticRanges: 'synthetic_range',
};

/** Read at the bastion when the tunnel opens, and taken from this machine then. */
const LASTING_DNS = ['bastionHosts', 'syntheticRanges'] as const;

/**
 * Has a tunnel do what its profile says now, as far as that can be done without touching its flows: subnets and names.
 *
 * @returns what was done, and the configuration that holds now
 * @throws TshuttleError ERR_CONFIG, ERR_USAGE, ERR_LISTEN, ERR_INTERCEPT_APPLY; what held before still does, but for names
 *   where only the subnets failed
 */
export async function reloadTunnel(
  running: RunningTunnel,
  held: Config,
  wanted: Config,
): Promise<{ readonly report: ReloadReport; readonly config: Config }> {
  const names = changeOfNames(held, wanted);
  const needRestart = (Object.keys(wanted) as Array<keyof Config>).filter(
    (key) => !IGNORED.has(key) && !isDeepStrictEqual(withoutPlaces(held[key]), withoutPlaces(wanted[key])),
  );
  const config: Config = { ...held, subnets: wanted.subnets, dns: names.dns };
  const warnings: string[] = [];
  if (names.applied.length > 0) await running.tunnel.setDns(names.dns);
  const hasOtherSubnets = !isDeepStrictEqual(withoutPlaces(held.subnets), withoutPlaces(wanted.subnets));
  if (hasOtherSubnets) {
    for (const problem of await running.capture(config)) warnings.push(renderProblem(problem));
  }
  const report: ReloadReport = {
    applied: [...(hasOtherSubnets ? ['subnets'] : []), ...names.applied],
    needRestart: [...needRestart, ...names.needRestart],
    warnings,
  };
  return { report, config };
}

/** What of the names can change at once; `dns` is what holds then. */
interface ChangeOfNames {
  readonly dns: DnsOption | undefined;
  readonly applied: readonly string[];
  readonly needRestart: readonly string[];
}

function changeOfNames(held: Config, wanted: Config): ChangeOfNames {
  if (isDeepStrictEqual(held.dns, wanted.dns)) return { dns: held.dns, applied: [], needRestart: [] };
  // A tunnel of proxies only has nobody who could redirect queries.
  if (!capturesAnything(held)) return { dns: held.dns, applied: [], needRestart: ['names'] };
  const changed = (Object.keys(DNS_KEYS) as Array<keyof DnsOption>).filter(
    (key) => !isDeepStrictEqual(held.dns?.[key], wanted.dns?.[key]),
  );
  if (wanted.dns === undefined || held.dns === undefined) {
    return wanted.dns?.bastionHosts === true
      ? { dns: held.dns, applied: [], needRestart: ['names'] }
      : { dns: wanted.dns, applied: ['names'], needRestart: [] };
  }
  const lasting: readonly string[] = LASTING_DNS;
  const { bastionHosts, syntheticRanges } = held.dns;
  return {
    dns: { ...wanted.dns, bastionHosts, syntheticRanges },
    applied: changed.filter((key) => !lasting.includes(key)).map((key) => DNS_KEYS[key]),
    needRestart: changed.filter((key) => lasting.includes(key)).map((key) => DNS_KEYS[key]),
  };
}

/** What only stands in another line is the same. */
function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  // Instances, such as secrets, are compared as they are.
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return value;
  }
  const entries = Object.entries(value).filter(([key]) => key !== 'where');
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutPlaces(item)]));
}
