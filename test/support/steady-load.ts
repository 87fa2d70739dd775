import type { Child } from './child.ts';
import type { Namespace } from './namespace.ts';

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
  readonly child: Child;
  /** All requests, when the last of them is over. */
  readonly requests: Promise<readonly SteadyRequest[]>;
}

/** Starts a steady load in a namespace (steady-load.entry.mjs); resolves with its first request. */
export async function startSteadyLoad(namespace: Namespace, options: SteadyLoadOptions): Promise<SteadyLoad> {
  const child = namespace.spawn(['node', 'test/support/steady-load.entry.mjs', JSON.stringify(options)]);
  await child.untilOutput(/started/);
  const requests = child.exited.then(({ stdout, stderr, code }) => {
    if (code !== 0) throw new Error(`the steady load failed: ${stderr}`);
    const rows = JSON.parse(stdout.replace('started\n', '')) as Array<[number, number, string]>;
    return rows.map(([startMs, durationMs, outcome]) => ({ startMs, durationMs, outcome }));
  });
  requests.catch(() => {}); // reported to whoever awaits it
  return { child, requests };
}
