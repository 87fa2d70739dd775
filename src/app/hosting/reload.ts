import { isDeepStrictEqual } from 'node:util';
import { type Config, capturesAnything, type DnsOption } from '../../config/config.ts';
import { CONFIG_PARTS } from '../../config/options/row.ts';
import { keysOfPart, OPTION_KEYS, type OptionKey, rowOf } from '../../config/options/table.ts';
import { renderProblem } from '../../core/problem.ts';
import type { ReloadReport } from '../../daemon/control/protocol.ts';
import type { RunningTunnel } from '../keep-up/keep-up.ts';

/** The parts of a configuration that only a restart changes. */
const RESTARTED: ReadonlySet<string> = new Set(
  OPTION_KEYS.flatMap((key) => {
    const { partOf } = rowOf(key);
    if (partOf === undefined) return [key];
    return CONFIG_PARTS[partOf] === 'needs a restart' ? [partOf] : [];
  }),
);

/** The options of names, but for those that are zones, too. */
const NAME_KEYS = keysOfPart('dns').filter((key) => key !== 'seedHosts');

/**
 * Has a tunnel do what its profile says now, as far as that can be done without touching its flows: subnets, names
 * and forwards.
 *
 * @returns what was done, and the configuration that holds now
 * @throws TshuttleError ERR_CONFIG, ERR_USAGE, ERR_LISTEN, ERR_INTERCEPT_APPLY; what held before still does, but for names
 *   and forwards where only the subnets failed, and forwards where only the names did
 */
export async function reloadTunnel(
  running: RunningTunnel,
  held: Config,
  wanted: Config,
): Promise<{ readonly report: ReloadReport; readonly config: Config }> {
  const names = changeOfNames(held, wanted);
  const needRestart = (Object.keys(wanted) as Array<keyof Config>).filter(
    (key) => RESTARTED.has(key) && !isDeepStrictEqual(withoutPlaces(held[key]), withoutPlaces(wanted[key])),
  );
  const { subnets, forwards } = wanted;
  const config: Config = { ...held, subnets, forwards, dns: names.dns };
  const warnings: string[] = [];
  const hasOtherForwards = !isDeepStrictEqual(held.forwards, forwards);
  if (hasOtherForwards) await running.tunnel.setForwards(forwards);
  if (names.applied.length > 0) await running.tunnel.setDns(names.dns);
  const hasOtherSubnets = !isDeepStrictEqual(withoutPlaces(held.subnets), withoutPlaces(wanted.subnets));
  if (hasOtherSubnets) {
    for (const problem of await running.capture(config)) warnings.push(renderProblem(problem));
  }
  const report: ReloadReport = {
    applied: [
      ...(hasOtherSubnets ? ['subnets'] : []),
      ...(hasOtherForwards ? ['forwards'] : []),
      ...names.applied,
    ],
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
  if (wanted.dns === undefined || held.dns === undefined) {
    return wanted.dns?.bastionHosts === true
      ? { dns: held.dns, applied: [], needRestart: ['names'] }
      : { dns: wanted.dns, applied: ['names'], needRestart: [] };
  }
  const [before, after] = [held.dns, wanted.dns];
  const changed = NAME_KEYS.filter((key) => !isDeepStrictEqual(before[key], after[key]));
  const isApplied = (key: OptionKey): boolean => rowOf(key).isKeptByReload !== true;
  const lasting = NAME_KEYS.filter((key) => !isApplied(key)).map((key) => [key, before[key]] as const);
  return {
    dns: { ...after, ...Object.fromEntries(lasting) },
    applied: changed.filter(isApplied).map(nameInProfile),
    needRestart: changed.filter((key) => !isApplied(key)).map(nameInProfile),
  };
}

function nameInProfile(key: OptionKey): string {
  return rowOf(key).profile?.key ?? key;
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
