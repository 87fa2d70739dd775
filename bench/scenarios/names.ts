import { fileURLToPath } from 'node:url';
import { until } from '../../test/support/process/until.ts';
import { ADDRESSES } from '../lab/bench-lab.ts';
import type { ProbeResult } from '../load/load.ts';
import { recordLatencies } from './probes.ts';
import { MEBIBYTE, type Scenario } from './scenario.ts';

/** A tshuttle that answers queries to {@link CAPTURED_NAMESERVER} by the resolver behind the bastion. */
export const TSHUTTLE_DNS = 'tshuttle-dns';

/** Nobody is there; its queries are captured. */
export const CAPTURED_NAMESERVER = '198.51.100.53';

const QUERIES_PER_SECOND = 2_000;
/** Until the JavaScript of whoever answers, and of the load program, is compiled. */
const WARM_UP_SECONDS = 2;
const SECONDS = { full: 5, quick: 2 } as const;
/** Raw samples are kept of every so many queries: ten thousand a visit would be most of a result. */
const KEPT_EVERY = 10;

const LOAD = fileURLToPath(new URL('../load/dns-load.js', import.meta.url));

/**
 * What a DNS query costs at a steady 2,000 a second: directly, and captured and answered behind the bastion. No answer may be
 * kept (TTL 0), so that each goes all the way.
 */
export const names: Scenario = {
  name: 'names',
  title: '2,000 DNS queries a second',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: ['raw', TSHUTTLE_DNS], quick: ['raw', TSHUTTLE_DNS] },
  runs: { full: 5, quick: 1 },
  checkedBytes: MEBIBYTE,
  measure: async (visit) => {
    const { lab, peer, pace } = visit;
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
      const address = peer.name === TSHUTTLE_DNS ? CAPTURED_NAMESERVER : ADDRESSES.destination;
      const ask = async (rate: number, seconds: number) =>
        JSON.parse(
          await lab.client.must([process.execPath, LOAD, address, String(rate), String(seconds)]),
        ) as ProbeResult;
      await until(async () => (await ask(1, 1)).lost === 0, {
        deadlineMs: 20_000,
        what: () => `an answer: ${resolver.stderr}`,
      });
      await ask(QUERIES_PER_SECOND, WARM_UP_SECONDS);
      const { lost, microseconds } = await ask(QUERIES_PER_SECOND, SECONDS[pace]);
      const kept = microseconds.filter((_, index) => index % KEPT_EVERY === 0);
      recordLatencies(visit, 'a query', { lost, microseconds: kept });
    } finally {
      resolver.kill('SIGKILL');
      await resolver.exited;
    }
  },
};
