import { TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { CaptureProblem } from '../../ingress/capture-check/capture-problem.ts';
import type { CapturedDatagrams } from '../../ingress/datagrams/captured-datagrams.ts';
import type { RedirectIngress } from '../../ingress/redirect-ingress.ts';
import { type Endpoint, makeEndpoint } from '../../net/address/endpoint.ts';
import { type NetworkMap, toRemote } from '../../net/address/network-map.ts';
import type { NetworkNamespace } from '../../net/machine/namespace/network-namespace.ts';
import type { Connections } from '../bastion/connections.ts';
import type { LifeCycle } from '../bastion/life-cycle.ts';
import type { FollowingPart } from '../capture/capture-watch.ts';
import type { UdpCounts } from '../status/status.ts';
import { UdpFlows } from './udp-flows.ts';
import { UdpRelay } from './udp-relay.ts';

/** A relay that has ended under a connection that stands is started again when something is to be sent, but not more often. */
const RESTART_MS = 10_000;

const REMEDY = 'have it allow commands, and install python3 or perl there; or use --udp reject';

/** What {@link UdpRelaying} is for, and with. */
export interface RelayingContext {
  readonly ingress: Pick<RedirectIngress, 'datagrams'>;
  readonly life: Pick<LifeCycle, 'current' | 'onChange'>;
  readonly maps: readonly NetworkMap[];
  readonly namespace: NetworkNamespace | undefined;
  readonly logger: Logger;
  /** Ends the opening. */
  readonly signal: AbortSignal;
}

/** Carries the datagrams that are captured by a relay on the bastion: one a connection, which ends with it. */
export class UdpRelaying implements FollowingPart {
  readonly #context: RelayingContext;
  readonly #flows: UdpFlows;
  readonly #endFollowing: () => void;
  /** Reasons for which a datagram was dropped, each told once. */
  readonly #told = new Set<string>();
  #datagrams: CapturedDatagrams | undefined;
  #relay: UdpRelay | undefined;
  /** What the relay runs over, or has run. */
  #connections: Connections | undefined;
  #startedMs = 0;
  /** Why no relay runs over them. */
  #why: string | undefined;
  /** Until then whoever opens it is told. */
  #isOpen = false;

  private constructor(context: RelayingContext) {
    const { logger, life, maps } = context;
    this.#context = context;
    this.#flows = new UdpFlows({
      lookUp: (source) => this.#datagrams!.destinationOf(source),
      target: (destination) => targetOf(destination, maps),
      send: (flow, address, port, datagram) => this.#send(flow, address, port, datagram),
      endFlow: (flow) => this.#relay?.endFlow(flow),
      reply: (source, datagram) => this.#datagrams?.reply(source, datagram),
      dropped: (what) => {
        if (!this.#told.has(what)) logger.debug(`UDP is dropped: ${what}`);
        this.#told.add(what);
      },
    });
    this.#endFollowing = life.onChange(() => {
      if (life.current !== undefined && life.current !== this.#connections) void this.#start();
    });
  }

  /**
   * Resolves when datagrams are carried that come.
   *
   * @throws TshuttleError ERR_CONFIG where the bastion runs no relay, or the rules redirect no datagrams; ERR_LISTEN; the signal's reason
   */
  static async open(context: RelayingContext): Promise<UdpRelaying> {
    if (context.namespace !== undefined) {
      throw new TshuttleError('ERR_CONFIG', '--udp relay is not there for a network namespace', {
        remedy: 'leave it out there',
      });
    }
    const relaying = new UdpRelaying(context);
    const { signal } = context;
    const close = (): void => relaying.close();
    signal.addEventListener('abort', close);
    try {
      relaying.#datagrams = await context.ingress.datagrams((source, datagram) =>
        relaying.#flows.fromProgram(source, datagram),
      );
      signal.throwIfAborted();
      await relaying.#start();
      signal.throwIfAborted();
      const [problem] = relaying.problems;
      if (problem !== undefined) throw new TshuttleError('ERR_CONFIG', problem.what, { remedy: REMEDY });
      relaying.#isOpen = true;
      return relaying;
    } catch (error) {
      relaying.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', close);
    }
  }

  /** Since the start; `flows` is how many there are now. */
  get counts(): UdpCounts {
    return this.#flows.counts;
  }

  /** That no relay runs over the connection that stands; without one the tunnel's state tells. */
  get problems(): readonly CaptureProblem[] {
    if (this.#why === undefined || this.#context.life.current !== this.#connections) return [];
    return [
      {
        cause: 'udp-relay',
        what: `UDP to captured networks is dropped, as the bastion runs no relay for it: ${this.#why}`,
        remedy: `${REMEDY}; tshuttle doctor has it tried again`,
      },
    ];
  }

  /** Starts a relay once more where none runs. Never rejects. */
  async tryAgain(): Promise<void> {
    if (this.#isOpen && this.problems.length > 0) await this.#start();
  }

  /** Idempotent. */
  close(): void {
    this.#isOpen = false;
    this.#endFollowing();
    this.#endRelay();
    this.#flows.close();
    this.#datagrams?.close();
    this.#datagrams = undefined;
  }

  /** In place of the one that there is. Resolves when it is ready, or has ended. */
  async #start(): Promise<void> {
    const { life, logger } = this.#context;
    const connections = life.current;
    this.#endRelay();
    if (this.#connections !== connections) this.#why = undefined;
    this.#connections = connections;
    this.#startedMs = performance.now();
    if (connections === undefined) return;
    if (connections.start === undefined) {
      this.#fail('that takes --transport ssh2');
      return;
    }
    const start = connections.start.bind(connections);
    await new Promise<void>((resolve) => {
      const relay: UdpRelay = new UdpRelay(start, {
        onReady: (interpreter) => {
          this.#why = undefined;
          logger.info(`UDP to what is captured is relayed by ${interpreter} on the bastion`);
          resolve();
        },
        onDatagram: (flow, datagram) => this.#flows.fromRelay(flow, datagram),
        // Where it has ended with its connection, that is known by then.
        onOver: (why) =>
          setImmediate(() => {
            this.#onOver(relay, why);
            resolve();
          }),
      });
      this.#relay = relay;
    });
  }

  #onOver(relay: UdpRelay, why: string): void {
    if (this.#relay !== relay) return;
    this.#relay = undefined;
    if (this.#context.life.current === this.#connections) this.#fail(why);
  }

  #fail(why: string): void {
    const isNew = this.#why !== why;
    this.#why = why;
    if (!isNew || !this.#isOpen) return;
    for (const { what, remedy } of this.problems) this.#context.logger.warn(`${what} -> ${remedy}`);
  }

  #endRelay(): void {
    const relay = this.#relay;
    this.#relay = undefined;
    relay?.close();
  }

  #send(flow: number, address: Buffer, port: number, datagram: Buffer): boolean {
    const relay = this.#relay;
    if (relay !== undefined) return relay.send(flow, address, port, datagram);
    const isDue = performance.now() - this.#startedMs > RESTART_MS;
    if (isDue && this.#context.life.current !== undefined) void this.#start();
    return false;
  }
}

function targetOf(destination: Endpoint, maps: readonly NetworkMap[]): Endpoint {
  const address = toRemote(maps, destination.address);
  return (address === undefined ? undefined : makeEndpoint(address, destination.port)) ?? destination;
}
