import { connect } from 'node:net';
import { deferred } from '../../core/deferred.ts';
import { systemCodeOf } from '../../core/errors.ts';
import { readKernelFile } from '../../core/files/kernel-file.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import { isOwnAddress } from '../../net/machine/local-addresses.ts';
import type { EnteredNamespace } from '../../net/machine/namespace/entered-namespace.ts';
import { lookUpRoute, type RouteLookup } from '../../net/machine/route-check.ts';
import type { ProbeTarget } from './probe-targets.ts';

/** A redirected connection arrives within a millisecond; a busy machine takes longer, and TCP asks again after a second. */
const ARRIVAL_TIMEOUT_MS = 1_200;

/** Connections of one round: one for each way out of this machine. */
const MAX_CONNECTIONS = 8;

/** What became of a connection that should have arrived at our listener. */
export type ProbeOutcome =
  | { readonly kind: 'arrived' }
  /** The kernel's routes refuse it before any rule sees it. */
  | { readonly kind: 'refused by route'; readonly route: Exclude<RouteLookup['kind'], 'routed'> }
  /** The kernel does not let this process connect there. */
  | { readonly kind: 'forbidden' }
  /** Another program accepted it, or refused it. */
  | { readonly kind: 'answered elsewhere'; readonly by: 'connection' | 'refusal' }
  /** No answer. `reached`: it has come to our listener, whose answer did not come back. */
  | { readonly kind: 'silent'; readonly reached: boolean };

/** The result for one target. */
export interface ProbeResult {
  readonly target: ProbeTarget;
  readonly outcome: ProbeOutcome;
}

/** A namespace in which connections are captured, by its routes. */
type ProbedNamespace = Pick<EnteredNamespace, 'lookUpRoute'>;

/**
 * Connects to captured addresses, and sees whether that arrives at our listener. The connections are told from those of
 * applications by the port they come from: they are no flows, nothing is sent, and each ends with a reset as soon as it is open.
 */
export class CaptureProbe {
  readonly #listenerPort: () => number;
  readonly #within: ProbedNamespace | undefined;
  /** Under way, by `source port and destination`. */
  readonly #expected = new Map<string, () => void>();

  /** @param within where connections are captured, if not here: we open none there, and only its routes are looked at */
  constructor(listenerPort: () => number, within?: ProbedNamespace) {
    this.#listenerPort = listenerPort;
    this.#within = within;
  }

  /** Whether an accepted connection is one of ours; it has arrived then. For every flow, so cheap when nothing is under way. */
  claims(originatorPort: number, destination: Endpoint): boolean {
    if (this.#expected.size === 0) return false;
    const arrived = this.#expected.get(keyOf(originatorPort, destination));
    arrived?.();
    return arrived !== undefined;
  }

  /** Tries the targets, of those that leave by the same way the first. Never rejects; bounded in time. */
  async run(targets: readonly ProbeTarget[]): Promise<readonly ProbeResult[]> {
    const { lookUpRoute: lookUp } = this.#within ?? { lookUpRoute };
    const routes = await Promise.all(
      targets
        .filter(({ address }) => this.#within !== undefined || !isOwnAddress(address))
        .map(async (target) => ({ target, route: await lookUp(target.family, target.address) })),
    );
    const refused: ProbeResult[] = [];
    const byWay = new Map<string, ProbeTarget>();
    for (const { target, route } of routes) {
      if (route.kind !== 'routed') {
        refused.push({ target, outcome: { kind: 'refused by route', route: route.kind } });
      } else if (!byWay.has(route.source)) byWay.set(route.source, target);
    }
    if (this.#within !== undefined) return refused;
    const tried = [...byWay.values()].slice(0, MAX_CONNECTIONS);
    const results = await Promise.all(
      tried.map(async (target) => ({ target, outcome: await this.#connect(target) })),
    );
    return [...refused, ...results];
  }

  async #connect(target: ProbeTarget): Promise<ProbeOutcome> {
    const outcome = deferred<ProbeOutcome>();
    const socket = connect({ host: target.address, port: target.port, autoSelectFamily: false });
    let key: string | undefined;
    let port: number | undefined;
    // The kernel has chosen a port as soon as it connects, which is before anything can arrive.
    process.nextTick(() => {
      port = socket.localPort;
      if (port === undefined) return;
      key = keyOf(port, target);
      this.#expected.set(key, () => outcome.resolve({ kind: 'arrived' }));
    });
    socket.once('error', (error) => {
      const code = systemCodeOf(error);
      if (code === 'EPERM' || code === 'EACCES') outcome.resolve({ kind: 'forbidden' });
      else outcome.resolve({ kind: 'answered elsewhere', by: 'refusal' });
    });
    // Our listener, if it was that, reports the connection a moment later.
    socket.once('connect', () => {
      setTimeout(() => outcome.resolve({ kind: 'answered elsewhere', by: 'connection' }), CONNECTED_GRACE_MS);
    });
    const timer = setTimeout(() => {
      void this.#hasReached(port, target.port).then((reached) =>
        outcome.resolve({ kind: 'silent', reached }),
      );
    }, ARRIVAL_TIMEOUT_MS);
    try {
      return await outcome.promise;
    } finally {
      clearTimeout(timer);
      if (key !== undefined) this.#expected.delete(key);
      socket.on('error', () => {});
      socket.resetAndDestroy();
    }
  }

  /** Whether the kernel has answered for our listener, and waits for the connection to go on. */
  async #hasReached(port: number | undefined, destinationPort: number): Promise<boolean> {
    if (port === undefined) return false;
    const texts = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readKernelFile));
    // A transparent listener answers from the port that was called.
    const ports = [this.#listenerPort(), destinationPort];
    return texts.some((text) => ports.some((localPort) => hasHalfOpen(text, localPort, port)));
  }
}

/** Our listener accepts in the same turn of the event loop, or in the next. */
const CONNECTED_GRACE_MS = 200;

function keyOf(port: number, { address, port: destinationPort }: Pick<Endpoint, 'address' | 'port'>): string {
  return `${port} ${destinationPort} ${address}`;
}

/** Whether /proc/net/tcp has a connection in the state SYN_RECV between these ports. */
export function hasHalfOpen(text: string, localPort: number, remotePort: number): boolean {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  return new RegExp(`:${hex(localPort)} [0-9A-F]+:${hex(remotePort)} 03 `).test(text);
}
