import type { Socket } from 'node:net';
import { messageOf, systemCodeOf } from '../core/errors.ts';
import type { LogFields, Logger } from '../core/log.ts';
import { type Endpoint, formatEndpoint, makeEndpoint } from '../net/address/endpoint.ts';
import type { IpFamily } from '../net/address/literal.ts';
import { type Flow, redirectedFlow } from '../net/flow.ts';
import { isOwnListener } from '../net/machine/local-addresses.ts';
import type { NetworkNamespace } from '../net/machine/namespace/network-namespace.ts';
import { originalDestination } from '../net/native/original-destination.ts';
import { type ListenAddresses, type Listeners, openListeners } from '../net/sockets/listener.ts';
import { CaptureProbe } from './capture-probe.ts';

/** Where to listen, as far as the user has said. */
interface ListenOptions {
  /** Undefined: 127.0.0.1 and, where the machine has it and `ipv6` is on, ::1. */
  readonly listen: ListenAddresses | undefined;
  readonly ipv6: boolean;
  readonly namespace: NetworkNamespace | undefined;
}

const LOOPBACK4: ListenAddresses = { address4: '127.0.0.1', address6: undefined, port: undefined };

/** The listeners that redirected connections arrive at, on one port; tells flows from probes of our own. */
export class Listening {
  readonly port: number;
  readonly probe: CaptureProbe;
  readonly #options: ListenOptions;
  readonly #onAccepted: (accepted: Socket, family: IpFamily) => void;
  readonly #listeners: Listeners[] = [];

  private constructor(
    first: Listeners,
    probe: CaptureProbe,
    options: ListenOptions,
    onAccepted: (accepted: Socket, family: IpFamily) => void,
  ) {
    this.port = first.port;
    this.probe = probe;
    this.#options = options;
    this.#onAccepted = onAccepted;
    this.#listeners.push(first);
  }

  /** @throws TshuttleError ERR_LISTEN */
  static async open(
    options: ListenOptions,
    logger: Logger,
    onFlow: (flow: Flow) => void,
  ): Promise<Listening> {
    const probe = new CaptureProbe(() => listeners.port);
    const onAccepted = (accepted: Socket, family: IpFamily): void => {
      const flow = incomingFlow(accepted, family, listeners.port, probe, logger);
      if (flow !== undefined) onFlow(flow);
    };
    const listeners = await listenAsAsked(options, onAccepted);
    return new Listening(listeners, probe, options, onAccepted);
  }

  get families(): readonly IpFamily[] {
    return this.#listeners.flatMap(({ families }) => families);
  }

  /** Listens on ::1 too, where this machine has it by now and it was not forbidden. @returns whether it did not before */
  async addFamilies(): Promise<boolean> {
    const { listen, ipv6, namespace } = this.#options;
    if (listen !== undefined || !ipv6 || namespace !== undefined || this.families.includes(6)) return false;
    const loopback6 = { address4: undefined, address6: '::1', port: this.port };
    try {
      this.#listeners.push(await openListeners(loopback6, this.#onAccepted));
      return true;
    } catch {
      // There still is none, or another program has the port there.
      return false;
    }
  }

  /** Stops listening. Idempotent. */
  async close(): Promise<void> {
    for (const listeners of this.#listeners) await listeners.close();
  }
}

async function listenAsAsked(
  options: ListenOptions,
  onAccepted: (accepted: Socket, family: IpFamily) => void,
): Promise<Listeners> {
  if (options.listen !== undefined) return openListeners(options.listen, onAccepted, options.namespace);
  if (!options.ipv6) return openListeners(LOOPBACK4, onAccepted, options.namespace);
  try {
    return await openListeners({ ...LOOPBACK4, address6: '::1' }, onAccepted, options.namespace);
  } catch (error) {
    const code = systemCodeOf(error instanceof Error ? error.cause : undefined);
    const hasNoIpv6 = code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || code === 'EINVAL';
    if (!hasNoIpv6) throw error;
    return openListeners(LOOPBACK4, onAccepted, options.namespace);
  }
}

/** A flow, or undefined when the connection is none: then it is reset here. */
function incomingFlow(
  accepted: Socket,
  family: IpFamily,
  listenerPort: number,
  probe: CaptureProbe,
  logger: Logger,
): Flow | undefined {
  const originator = makeEndpoint(accepted.remoteAddress ?? '', accepted.remotePort ?? 0);
  try {
    const destination = originalDestination(accepted, family);
    const isProbe = originator !== undefined && probe.claims(originator.port, destination);
    if (originator !== undefined && !isProbe && !isOwnListener(destination, listenerPort)) {
      return redirectedFlow(accepted, destination, originator);
    }
    if (!isProbe)
      logger.info('closed a connection to our own listener that was not redirected', from(originator));
  } catch (error) {
    logger.info(`closed a connection: ${messageOf(error)}`, from(originator));
  }
  accepted.resetAndDestroy();
  return undefined;
}

function from(originator: Endpoint | undefined): LogFields {
  return { originator: originator === undefined ? 'unknown' : formatEndpoint(originator) };
}
