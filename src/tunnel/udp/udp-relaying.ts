import { TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { CapturedDatagrams } from '../../ingress/datagrams/captured-datagrams.ts';
import type { RedirectIngress } from '../../ingress/redirect-ingress.ts';
import { type Endpoint, makeEndpoint } from '../../net/address/endpoint.ts';
import { type NetworkMap, toRemote } from '../../net/address/network-map.ts';
import type { NetworkNamespace } from '../../net/machine/namespace/network-namespace.ts';
import type { Connections } from '../bastion/connections.ts';
import type { LifeCycle } from '../bastion/life-cycle.ts';
import type { UdpCounts } from '../status/status.ts';
import { UdpFlows } from './udp-flows.ts';
import { UdpRelay } from './udp-relay.ts';

/** A relay that has ended under a connection that stands is started again when something is to be sent, but not more often. */
const RESTART_MS = 10_000;

/** What {@link UdpRelaying} is for, and with. */
export interface RelayingContext {
  readonly ingress: Pick<RedirectIngress, 'datagrams'>;
  readonly life: Pick<LifeCycle, 'current' | 'onChange'>;
  readonly maps: readonly NetworkMap[];
  readonly namespace: NetworkNamespace | undefined;
  readonly logger: Logger;
}

/** Carries the datagrams that are captured by a relay on the bastion: one a connection, which ends with it. */
export class UdpRelaying {
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
  #isClosed = false;

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
      if (life.current !== undefined && life.current !== this.#connections) this.#restart();
    });
  }

  /**
   * Resolves when datagrams are carried that come.
   *
   * @throws TshuttleError ERR_CONFIG where the bastion runs no relay, or the rules redirect no datagrams; ERR_LISTEN
   */
  static async open(context: RelayingContext): Promise<UdpRelaying> {
    if (context.namespace !== undefined) {
      throw new TshuttleError('ERR_CONFIG', '--udp relay is not there for a network namespace', {
        remedy: 'leave it out there',
      });
    }
    const relaying = new UdpRelaying(context);
    try {
      relaying.#datagrams = await context.ingress.datagrams((source, datagram) =>
        relaying.#flows.fromProgram(source, datagram),
      );
      const why = await relaying.#start();
      if (why !== undefined) {
        throw new TshuttleError('ERR_CONFIG', `the bastion runs no relay for --udp relay: ${why}`, {
          remedy: 'have it allow commands, and install python3 or perl there; or use --udp reject',
        });
      }
      return relaying;
    } catch (error) {
      relaying.close();
      throw error;
    }
  }

  /** Since the start; `flows` is how many there are now. */
  get counts(): UdpCounts {
    return this.#flows.counts;
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#endFollowing();
    this.#relay?.close();
    this.#flows.close();
    this.#datagrams?.close();
    this.#datagrams = undefined;
  }

  /** Resolves when the relay is ready; with why it will not be, where that is so. */
  #start(): Promise<string | undefined> {
    const { life, logger } = this.#context;
    const connections = life.current;
    this.#connections = connections;
    this.#startedMs = performance.now();
    const start = connections?.start?.bind(connections);
    if (start === undefined) return Promise.resolve(WITHOUT_PROGRAMS);
    return new Promise((resolve) => {
      const relay: UdpRelay = new UdpRelay(start, {
        onReady: (interpreter) => {
          logger.info(`UDP to what is captured is relayed by ${interpreter} on the bastion`);
          resolve(undefined);
        },
        onDatagram: (flow, datagram) => this.#flows.fromRelay(flow, datagram),
        onOver: (why) => {
          resolve(why);
          if (this.#relay === relay) this.#relay = undefined;
        },
      });
      this.#relay = relay;
    });
  }

  #restart(): void {
    this.#relay?.close();
    void this.#start().then((why) => {
      if (why !== undefined && !this.#isClosed)
        this.#context.logger.warn(`UDP is dropped: the bastion runs no relay any more: ${why}`);
    });
  }

  #send(flow: number, address: Buffer, port: number, datagram: Buffer): boolean {
    const relay = this.#relay;
    if (relay !== undefined) return relay.send(flow, address, port, datagram);
    const isDue = performance.now() - this.#startedMs > RESTART_MS;
    if (isDue && this.#context.life.current !== undefined) this.#restart();
    return false;
  }
}

const WITHOUT_PROGRAMS = 'it takes sessions, and --transport ssh2';

function targetOf(destination: Endpoint, maps: readonly NetworkMap[]): Endpoint {
  const address = toRemote(maps, destination.address);
  return (address === undefined ? undefined : makeEndpoint(address, destination.port)) ?? destination;
}
