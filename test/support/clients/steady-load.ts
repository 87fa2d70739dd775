import type { Namespace } from '../lab/namespace.ts';
import { until } from '../process/until.ts';

/** One request of a steady load. */
export interface SteadyRequest {
  /** ms since 1970. */
  readonly startMs: number;
  readonly durationMs: number;
  /** `ok`, or an error code. */
  readonly outcome: string;
}

/** What a steady load asks: `ratePerS` requests a second, whatever becomes of them. */
export interface SteadyLoadOptions {
  readonly host: string;
  readonly port: number;
  readonly ratePerS: number;
  readonly durationMs: number;
}

/** A steady load that runs. */
export interface SteadyLoad {
  /** Resolves when all that began before this is over; ms since 1970. */
  untilOver(beforeMs: number): Promise<void>;
  /** All requests, when the last of them is over. */
  readonly requests: Promise<readonly SteadyRequest[]>;
}

/** Starts a steady load in a namespace (steady-load.entry.mjs); resolves with its first request. */
export async function startSteadyLoad(namespace: Namespace, options: SteadyLoadOptions): Promise<SteadyLoad> {
  const child = namespace.spawn([
    'node',
    'test/support/clients/steady-load.entry.mjs',
    JSON.stringify(options),
  ]);
  await child.untilOutput(/started/);
  const requests = child.exited.then(({ stdout, stderr, code }) => {
    if (code !== 0) throw new Error(`the steady load failed: ${stderr}`);
    const rows = JSON.parse(stdout.replace('started\n', '')) as Array<[number, number, string]>;
    return rows.map(([startMs, durationMs, outcome]) => ({ startMs, durationMs, outcome }));
  });
  requests.catch(() => {}); // reported to whoever awaits it
  const untilOver = async (beforeMs: number): Promise<void> => {
    await until(() => Number(/open since (\w+)\n$/.exec(child.stderr)?.[1] ?? 0) >= beforeMs, {
      deadlineMs: 30_000,
      what: () => `what began before ${beforeMs} is over: ${child.stderr.slice(-100)}`,
    });
  };
  return { untilOver, requests };
}
