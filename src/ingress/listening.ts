import type { Socket } from 'node:net';
import { systemCodeOf } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Interceptor } from '../intercept/interceptor.ts';
import { methodRow } from '../intercept/rules/redirect-methods.ts';
import type { IpFamily } from '../net/address/literal.ts';
import type { SourceAddress } from '../net/address/source-address.ts';
import type { Flow } from '../net/flow.ts';
import type { NetworkNamespace } from '../net/machine/namespace/network-namespace.ts';
import { originalDestination } from '../net/native/original-destination.ts';
import { setTransparent } from '../net/native/transparent/transparent.ts';
import { FollowedSockets } from '../net/sockets/interfaces/followed-sockets.ts';
import { placeOnInterface } from '../net/sockets/interfaces/interface-place.ts';
import { describeRefusedAddress } from '../net/sockets/interfaces/refused-address.ts';
import {
  type ListenAddresses,
  type Listeners,
  type ListeningDescriptor,
  openListeners,
} from '../net/sockets/listener.ts';
import { AcceptedConnections, type AcceptedContext } from './accepted-connections.ts';
import { CaptureProbe } from './capture-check/capture-probe.ts';
import type { CaptureProblem } from './capture-check/capture-problem.ts';
import { type DestinationOf, destinationLookUp } from './destinations/destination-look-ups.ts';
import type { LookUpRecord } from './destinations/look-up-record.ts';

/** Where to listen, as far as the user has said. */
interface ListenOptions {
  /** Undefined: the loopback address of IPv4 and, where the machine has it and `ipv6` is on, that of IPv6. */
  readonly listen: ListenAddresses | undefined;
  readonly ipv6: boolean;
  readonly namespace: NetworkNamespace | undefined;
}

/** What the method in use says. */
export interface ListeningMethod {
  /** The addresses that its rules redirect to. */
  readonly loopback: Readonly<Record<IpFamily, string>>;
  readonly destinationOf: DestinationOf;
  /** Makes listeners ready for it. @throws TshuttleError ERR_LISTEN */
  readonly prepare: (listeners: readonly ListeningDescriptor[]) => Promise<void>;
}

/** Those of an interceptor. @param lookUps what becomes of its look-ups */
export function listeningMethod(
  interceptor: Pick<Interceptor, 'method' | 'lookUp' | 'makeTransparent'>,
  lookUps: LookUpRecord,
): ListeningMethod {
  const { listeners, destinationsFrom } = methodRow(interceptor.method);
  return {
    loopback: listeners,
    destinationOf: destinationLookUp(interceptor, lookUps),
    prepare: async (opened) => {
      if (destinationsFrom !== 'own address') return;
      // Root, and who has the capability, can do it without the helper.
      if (opened.every(({ descriptor, family }) => setTransparent(descriptor, family))) return;
      await interceptor.makeTransparent(opened.map(({ descriptor }) => descriptor));
    },
  };
}

/** The listeners that redirected connections arrive at, on one port; tells flows from probes of our own. */
export class Listening {
  readonly port: number;
  readonly probe: CaptureProbe;
  readonly #options: ListenOptions;
  readonly #method: ListeningMethod;
  readonly #accept: Accept;
  readonly #listeners: Listeners[] = [];
  readonly #forOthers: FollowedSockets;

  private constructor(
    first: Listeners,
    probe: CaptureProbe,
    options: ListenOptions,
    method: ListeningMethod,
    accept: Accept,
  ) {
    this.port = first.port;
    this.probe = probe;
    this.#options = options;
    this.#method = method;
    this.#accept = accept;
    this.#listeners.push(first);
    this.#forOthers = new FollowedSockets((at) => listenForOthers(at, first.port, accept.others));
  }

  /** @throws TshuttleError ERR_LISTEN */
  static async open(
    options: ListenOptions,
    method: ListeningMethod,
    logger: Logger,
    onFlow: (flow: Flow) => void,
  ): Promise<Listening> {
    const { namespace } = options;
    const probe = new CaptureProbe(
      () => listeners.port,
      namespace?.kind === 'entered' ? namespace : undefined,
    );
    const context = { listenerPort: () => listeners.port, probe, logger, onFlow };
    const own = acceptInto({ ...context, destinationOf: method.destinationOf });
    // What others send is redirected by every method that captures it.
    const others = acceptInto({ ...context, destinationOf: originalDestination });
    const listeners = await prepared(await listenAsAsked(options, method.loopback, own), method);
    return new Listening(listeners, probe, options, method, { own, others });
  }

  get families(): readonly IpFamily[] {
    return this.#listeners.flatMap(({ families }) => families);
  }

  /** Listens on the loopback address of IPv6 too, where this machine has it by now and it was not forbidden. @returns whether it did not before */
  async addFamilies(): Promise<boolean> {
    const { listen, ipv6, namespace } = this.#options;
    if (listen !== undefined || !ipv6 || namespace !== undefined || this.families.includes(6)) return false;
    const wanted = { address4: undefined, address6: this.#method.loopback[6], port: this.port };
    try {
      this.#listeners.push(await prepared(await openListeners(wanted, this.#accept.own), this.#method));
      return true;
    } catch {
      // There still is none, or another program has the port there.
      return false;
    }
  }

  /** Accepts redirected connections of others at these addresses and no others from now on. One at a time. @returns what is wrong */
  async followOthers(addresses: readonly SourceAddress[]): Promise<readonly CaptureProblem[]> {
    await this.#forOthers.follow(addresses);
    return this.#forOthers.refused.map((one) => describeRefusedAddress(one, this.port));
  }

  /** Stops listening. Idempotent. */
  async close(): Promise<void> {
    this.#forOthers.close();
    for (const listeners of this.#listeners) await listeners.close();
  }
}

/** @throws TshuttleError ERR_LISTEN; they are closed then */
async function prepared(listeners: Listeners, { prepare }: ListeningMethod): Promise<Listeners> {
  try {
    await prepare(listeners.descriptors);
    return listeners;
  } catch (error) {
    await listeners.close();
    throw error;
  }
}

type OnAccepted = (accepted: Socket, family: IpFamily) => void;

/** For connections of this machine, and for those of others, which come in by listeners of their own. */
type Accept = Readonly<Record<'own' | 'others', OnAccepted>>;

function acceptInto(context: AcceptedContext): OnAccepted {
  const accepting = new AcceptedConnections(context);
  return (accepted, family) => accepting.take(accepted, family);
}

/** At one address of an interface, for what comes in by that alone, at the port that rules redirect to. */
function listenForOthers(
  { family, address, interfaceName, interfaceIndex }: SourceAddress,
  port: number,
  onAccepted: OnAccepted,
): Promise<Listeners> {
  const [address4, address6] = family === 4 ? [address, undefined] : [undefined, address];
  return openListeners(
    { address4, address6, port },
    onAccepted,
    placeOnInterface(interfaceName, interfaceIndex),
  );
}

async function listenAsAsked(
  { listen, ipv6, namespace }: ListenOptions,
  loopback: ListeningMethod['loopback'],
  onAccepted: OnAccepted,
): Promise<Listeners> {
  if (listen !== undefined) {
    // Rules redirect to the loopback address that their method has, and others' connections to addresses that have listeners of their
    // own: nothing that is redirected arrives at any other, and a wildcard would keep the port from those.
    const address6 = listen.address6 === undefined ? undefined : loopback[6];
    const address4 = listen.address4 === undefined ? undefined : loopback[4];
    return openListeners({ ...listen, address4, address6 }, onAccepted, namespace);
  }
  const only4: ListenAddresses = { address4: loopback[4], address6: undefined, port: undefined };
  if (!ipv6) return openListeners(only4, onAccepted, namespace);
  try {
    return await openListeners({ ...only4, address6: loopback[6] }, onAccepted, namespace);
  } catch (error) {
    const code = systemCodeOf(error instanceof Error ? error.cause : undefined);
    const hasNoIpv6 = code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || code === 'EINVAL';
    if (!hasNoIpv6) throw error;
    return openListeners(only4, onAccepted, namespace);
  }
}
