import { ADDRESSES, CAPTURED_NAMESERVER } from '../lab/bench-lab.ts';
import { withResolver } from '../load/resolver.ts';
import { recordLatencies } from './probes.ts';
import { MEBIBYTE, type Scenario } from './scenario.ts';

/** A tshuttle that answers queries to {@link CAPTURED_NAMESERVER} by the resolver behind the bastion. */
export const TSHUTTLE_DNS = 'tshuttle-dns';

const QUERIES_PER_SECOND = 2_000;
/** Until the JavaScript of whoever answers, and of the load program, is compiled. */
const WARM_UP_SECONDS = 2;
const SECONDS = { full: 5, quick: 2 } as const;
/** Raw samples are kept of every so many queries: ten thousand a visit would be most of a result. */
const KEPT_EVERY = 10;

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
    const address = peer.name === TSHUTTLE_DNS ? CAPTURED_NAMESERVER : ADDRESSES.destination;
    await withResolver(lab, address, async (ask) => {
      await ask(QUERIES_PER_SECOND, WARM_UP_SECONDS);
      const { lost, microseconds } = await ask(QUERIES_PER_SECOND, SECONDS[pace]);
      const kept = microseconds.filter((_, index) => index % KEPT_EVERY === 0);
      recordLatencies(visit, 'a query', { lost, microseconds: kept });
    });
  },
};
