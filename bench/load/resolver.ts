import { fileURLToPath } from 'node:url';
import { until } from '../../test/support/process/until.ts';
import { ADDRESSES, type BenchLab } from '../lab/bench-lab.ts';
import type { ProbeResult } from './load.ts';

const LOAD = fileURLToPath(new URL('./dns-load.js', import.meta.url));

/** Asks a resolver so often a second, so many seconds. */
export type AskResolver = (queriesPerSecond: number, seconds: number) => Promise<ProbeResult>;

/**
 * Runs a resolver at the destination whose answers nobody may keep, and ends it.
 *
 * @param address which the queries of the client go to
 * @param use begins when a first query has been answered
 */
export async function withResolver(
  lab: BenchLab,
  address: string,
  use: (ask: AskResolver) => Promise<void>,
): Promise<void> {
  const resolver = lab.destination.spawn([
    ...[
      'dnsmasq',
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--pid-file',
    ],
    ...[`--listen-address=${ADDRESSES.destination}`, '--bind-interfaces'],
    ...['--address=/bench.example/10.9.0.1', '--local-ttl=0', '--user=root'],
  ]);
  try {
    const ask: AskResolver = async (rate, seconds) =>
      JSON.parse(
        await lab.client.must([process.execPath, LOAD, address, String(rate), String(seconds)]),
      ) as ProbeResult;
    await until(async () => (await ask(1, 1)).lost === 0, {
      deadlineMs: 20_000,
      what: () => `an answer: ${resolver.stderr}`,
    });
    await use(ask);
  } finally {
    resolver.kill('SIGKILL');
    await resolver.exited;
  }
}
