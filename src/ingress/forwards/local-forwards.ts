import type { Logger } from '../../core/log.ts';
import { formatHostPort, type HostPort } from '../../net/address/endpoint.ts';
import { type Forward, type ForwardListen, formatForwardListen } from '../../net/address/forward.ts';
import { isLoopback } from '../../net/address/literal.ts';
import { type Flow, makeFlow } from '../../net/flow.ts';
import type { SocketPlace } from '../../net/sockets/socket-place.ts';
import { type ForwardListener, openPortListener } from './port-listener.ts';
import { openSocketListener } from './socket-listener.ts';

/** Dependencies of {@link LocalForwards}. */
interface ForwardsContext {
  readonly logger: Logger;
  readonly ipv6: boolean;
  /** Where ports are listened on, if that is not this machine. */
  readonly place: SocketPlace | undefined;
  readonly onFlow: (flow: Flow) => void;
}

interface OpenForward {
  /** Another one has another destination at the same place. */
  to: HostPort;
  readonly listen: ForwardListen;
  readonly listener: ForwardListener;
}

/**
 * The ports and unix sockets of this machine that lead to one place each. Until they are started connections are refused.
 *
 *     opened ──start()──> accepting ──close()──> closed
 */
export class LocalForwards {
  readonly #context: ForwardsContext;
  readonly #open = new Map<string, OpenForward>();
  #isStarted = false;

  private constructor(context: ForwardsContext) {
    this.#context = context;
  }

  /**
   * Takes the places where they will listen.
   *
   * @throws TshuttleError ERR_LISTEN; nothing is left open then
   */
  static async open(wanted: readonly Forward[], context: ForwardsContext): Promise<LocalForwards> {
    const forwards = new LocalForwards(context);
    await forwards.change(wanted);
    return forwards;
  }

  /** For people; empty where there are none. */
  get description(): string {
    const each = [...this.#open.values()].map(
      ({ listen, to }) => `${formatForwardListen(listen)} to ${formatHostPort(to.host, to.port)}`,
    );
    return each.length === 0 ? '' : `forwarding ${each.join(', ')}`;
  }

  /** Accepts from now on: flows can be carried or held. Once. @throws TshuttleError ERR_LISTEN */
  async start(): Promise<void> {
    for (const { listener } of this.#open.values()) await listener.start();
    this.#isStarted = true;
  }

  /**
   * Listens for others from now on. One that leads elsewhere goes on listening; flows go on. One at a time.
   *
   * @throws TshuttleError ERR_LISTEN, and all is as before
   */
  async change(wanted: readonly Forward[]): Promise<void> {
    const opened: OpenForward[] = [];
    try {
      for (const { listen, to } of wanted) {
        if (this.#open.has(formatForwardListen(listen))) continue;
        const forward: OpenForward = {
          to,
          listen,
          listener: await this.#listen(listen, () => forward.to),
        };
        opened.push(forward);
        if (this.#isStarted) await forward.listener.start();
      }
    } catch (error) {
      for (const { listener } of opened) listener.close();
      throw error;
    }
    const kept = new Set(wanted.map(({ listen }) => formatForwardListen(listen)));
    for (const [place, { listener }] of this.#open) {
      if (kept.has(place)) continue;
      listener.close();
      this.#open.delete(place);
    }
    for (const forward of opened) {
      this.#open.set(formatForwardListen(forward.listen), forward);
      this.#warnOfOpenDoor(forward);
    }
    for (const { listen, to } of wanted) this.#open.get(formatForwardListen(listen))!.to = to;
  }

  /** Stops accepting; flows belong to others. Idempotent. */
  close(): void {
    for (const { listener } of this.#open.values()) listener.close();
    this.#open.clear();
  }

  #listen(listen: ForwardListen, to: () => HostPort): Promise<ForwardListener> {
    const { onFlow } = this.#context;
    const onAccepted: Parameters<typeof openSocketListener>[1] = (accepted, originator) =>
      onFlow(
        makeFlow({
          accepted,
          originator,
          destination: to(),
          isForwarded: true,
        }),
      );
    return listen.kind === 'socket'
      ? openSocketListener(listen.path, onAccepted)
      : openPortListener(listen, onAccepted, this.#context);
  }

  #warnOfOpenDoor({ listen, to }: OpenForward): void {
    if (listen.kind === 'socket' || listen.address === 'localhost' || this.#context.place !== undefined)
      return;
    if (listen.address !== '*' && isLoopback(listen.address)) return;
    this.#context.logger.warn(
      `-L ${formatForwardListen(listen)} lets everybody who can reach this machine connect to ${formatHostPort(to.host, to.port)}: ` +
        'leave the address out for this machine alone',
    );
  }
}
