import { setTimeout as delay } from 'node:timers/promises';
import type { Direction, ProbeResult } from '../load/load.ts';
import type { Visit } from './scenario.ts';

/** Bulk that runs beside requests. */
export interface Background {
  readonly direction: Direction;
  readonly flows: number;
  /** How long it runs before the first request counts. */
  readonly leadSeconds: number;
}

/** Keeps the latencies of requests; a request that got no answer fails the visit. */
export function recordLatencies(visit: Visit, name: string, result: ProbeResult): void {
  if (result.lost > 0) throw new Error(`${name}: ${result.lost} requests got no answer`);
  visit.record(
    { name, unit: 'ms', better: 'less' },
    result.microseconds.map((value) => value / 1000),
  );
}

/**
 * Runs something beside bulk flows.
 *
 * @returns bytes per second of the bulk, from its start to its end.
 */
export async function underLoad(
  visit: Visit,
  background: Background,
  action: () => Promise<void>,
): Promise<number> {
  const bulk = visit.load.startBulk(background.direction, background.flows);
  try {
    await delay(background.leadSeconds * 1000);
    await action();
  } catch (error) {
    await bulk.end().catch(() => {}); // the first failure is the one to tell
    throw error;
  }
  const result = await bulk.end();
  if (result.failed > 0) throw new Error(`${result.failed} of the flows beside the requests broke`);
  return ((result.bytes.at(-1) ?? 0) / (result.microseconds.at(-1) ?? 0)) * 1e6;
}
