import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../config/config.ts';
import { renderProblem } from '../../core/problem.ts';
import type { ReloadReport } from '../../daemon/control/protocol.ts';
import type { RunningTunnel } from '../commands/up.ts';

/** What can be changed while flows run. */
const LIVE: ReadonlySet<keyof Config> = new Set(['subnets']);

/** Says nothing about what a tunnel does. */
const IGNORED: ReadonlySet<keyof Config> = new Set(['mode']);

/**
 * Has a tunnel do what its profile says now, as far as that can be done without touching its flows.
 *
 * @returns what was done, and the configuration that holds now
 * @throws TshuttleError ERR_CONFIG, ERR_INTERCEPT_APPLY; what held before still does
 */
export async function reloadTunnel(
  running: RunningTunnel,
  held: Config,
  wanted: Config,
): Promise<{ readonly report: ReloadReport; readonly config: Config }> {
  const changed = (Object.keys(wanted) as Array<keyof Config>).filter(
    (key) => !IGNORED.has(key) && !isDeepStrictEqual(withoutPlaces(held[key]), withoutPlaces(wanted[key])),
  );
  const config: Config = { ...held };
  const applied = changed.filter((key) => LIVE.has(key));
  const warnings: string[] = [];
  if (applied.length > 0) {
    Object.assign(config, Object.fromEntries(applied.map((key) => [key, wanted[key]])));
    for (const problem of await running.capture(config)) warnings.push(renderProblem(problem));
  }
  const report = { applied, needRestart: changed.filter((key) => !LIVE.has(key)), warnings };
  return { report, config };
}

/** A subnet that only stands in another line is the same. */
function withoutPlaces(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((item: unknown) =>
    typeof item === 'object' && item !== null && 'where' in item ? { ...item, where: '' } : item,
  );
}
