import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type HelperClient, startHelper } from '../../../src/intercept/client/client.ts';
import type { RulesNews } from '../../../src/intercept/protocol/protocol.ts';
import type { Candidate } from '../../../src/intercept/rules/redirect-methods.ts';
import type { RedirectPlan } from '../../../src/intercept/rules/redirect-plan.ts';

import { openLabSite } from '../../support/lab/lab-site.ts';
import type { Namespace } from '../../support/lab/namespace.ts';

/** In the repository, which is where commands of a namespace begin, and which its users can read wherever it lies. */
const UDP_VERDICTS = 'test/lab/intercept/udp-verdicts.entry.mjs';
const VERDICTS = 'test/lab/intercept/verdicts.entry.mjs';
const HELPER = fileURLToPath(new URL('../../../bin/tshuttle-helper', import.meta.url));

/** A logger for tests that are not about the log. */
export const SILENT = { debug() {}, info() {}, warn() {}, error() {} } as const;

/** An address and a port to connect to. */
export type Destination = readonly [address: string, port: number];

/** Who opens connections: root, or a user; in the folder of a control group, or the one that was before. */
interface Connector {
  readonly userId?: number;
  readonly cgroup?: string;
}

/**
 * One namespace in which every address has a route, and every TCP connection that leaves it is refused at once: what is
 * not refused was redirected.
 */
export interface Scratch extends AsyncDisposable {
  readonly namespace: Namespace;
  /** The command that runs the built helper inside. */
  readonly helperCommand: readonly string[];
  /** A helper inside that has settled on a candidate; closed with the namespace at the latest. */
  openHelper(candidate: Candidate, onRules?: (news: RulesNews) => void): Promise<HelperClient>;
  /** Connects to each, as root; `captured` means that it arrived at the listener on this port. */
  verdicts(listenerPort: number, destinations: readonly Destination[]): Promise<string[]>;
  /** The same as each of these in its turn, of which the last alone may be another user. */
  verdictsAs(
    connectors: readonly Connector[],
    listenerPort: number,
    destinations: readonly Destination[],
  ): Promise<string[][]>;
  /** Sends a datagram to each: `left` when it has left the machine, or the error that its socket has got, and after how long. */
  udpAnswers(
    destinations: readonly (readonly [...Destination, from?: number])[],
  ): Promise<Array<{ readonly verdict: string; readonly afterMs: number }>>;
  /** The same without the time. */
  udpVerdicts(destinations: readonly (readonly [...Destination, from?: number])[]): Promise<string[]>;
  /** The names of our tables and chains in the kernel, of all methods, and our routing rules. */
  ourRules(): Promise<string[]>;
}

/** Makes a scratch namespace. */
export async function createScratch(): Promise<Scratch> {
  const site = await openLabSite(['scratch']);
  const [namespace] = site.namespaces;
  try {
    await refuseAllThatLeaves(namespace);
  } catch (error) {
    await site[Symbol.asyncDispose]();
    throw error;
  }
  const helperCommand = ['ip', 'netns', 'exec', namespace.name, process.execPath, HELPER];
  const helpers: HelperClient[] = [];
  const udpAnswers: Scratch['udpAnswers'] = async (destinations) =>
    JSON.parse(
      await namespace.must([process.execPath, UDP_VERDICTS], { stdin: JSON.stringify(destinations) }),
    );
  const verdictsAs: Scratch['verdictsAs'] = async (connectors, listenerPort, destinations) =>
    JSON.parse(
      await namespace.must([process.execPath, VERDICTS, `${listenerPort}`], {
        stdin: JSON.stringify({ destinations, connectors }),
      }),
    );
  return {
    namespace,
    helperCommand,
    async openHelper(candidate, onRules) {
      const helper = await startHelper({ command: helperCommand, logger: SILENT, onRules });
      helpers.push(helper);
      await helper.call({ type: 'use', candidate });
      return helper;
    },
    verdicts: async (...words) => (await verdictsAs([{}], ...words)).flat(),
    verdictsAs,
    udpAnswers,
    udpVerdicts: async (destinations) => (await udpAnswers(destinations)).map(({ verdict }) => verdict),
    ourRules: () => ourRules(namespace),
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(helpers.map((helper) => helper.close()));
      await site[Symbol.asyncDispose]();
    },
  };
}

async function refuseAllThatLeaves(namespace: Namespace): Promise<void> {
  await namespace.ipEach([
    'link add lab0 type veth peer name lab1',
    'link set lab1 up',
    'link set lab0 up',
    'addr add 198.51.100.2/24 dev lab0',
    'addr add 2001:db8:51::2/64 dev lab0 nodad',
    'route add default dev lab0',
    'route add ::/0 dev lab0',
  ]);
  await namespace.must(['nft', '-f', '-'], {
    stdin: `table inet lab {
      set left4 {
        type ipv4_addr . inet_service
        flags dynamic
        size 4096
      }
      set left6 {
        type ipv6_addr . inet_service
        flags dynamic
        size 4096
      }
      chain leaving {
        type filter hook output priority 10
        fib daddr type local accept
        meta nfproto ipv4 meta l4proto udp add @left4 { ip daddr . udp dport }
        meta nfproto ipv6 meta l4proto udp add @left6 { ip6 daddr . udp dport }
        # Diverted: it leaves by lo, although the hook still names the way that it would have gone.
        meta mark & 0x0f000000 != 0 accept
        meta l4proto tcp reject with tcp reset
      }
    }\n`,
  });
}

async function ourRules(namespace: Namespace): Promise<string[]> {
  const tables = await namespace.must(['nft', 'list', 'tables']);
  const saves = await Promise.all(
    ['iptables-nft', 'ip6tables-nft', 'iptables-legacy', 'ip6tables-legacy'].map(async (tool) => {
      const saved = await namespace.must([`${tool}-save`]);
      const lines = saved.split('\n').filter((line) => /^:TSHUTTLE|^-A OUTPUT .*TSHUTTLE/.test(line));
      return lines.map((line) => `${tool} ${line.replace(/ - \[.*/, '')}`);
    }),
  );
  return [
    ...tables.split('\n').filter((line) => line.includes('tshuttle')),
    ...saves.flat(),
    ...(await namespace.markedRoutes()),
  ];
}

/** A plan that captures one IPv4 network. */
export function planFor(listenerPort: number, first: string, last: string): RedirectPlan {
  return {
    listenerPort,
    families: [4],
    groups: [
      {
        ports: { first: 1, last: 65_535 },
        intervals4: [{ first, last, action: 'capture' }],
        intervals6: [],
      },
    ],
    exempt: [],
    dns: null,
    replies: 'plain',
    only: null,
    udp: 'reject',
    resolverFiles: null,
    alsoFrom: null,
    tmark: null,
  };
}

/** The process that removes the rules of a helper when that is killed, where the kernel does not. */
export async function guardianOf(helperPid: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${helperPid}/task/${helperPid}/children`, 'utf8');
  for (const pid of children.split(' ').filter(Boolean).map(Number)) {
    const argv = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (argv.includes('guardian')) return pid;
  }
  return undefined;
}
