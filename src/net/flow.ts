import type { Socket } from 'node:net';
import type { Endpoint, HostPort } from './address/endpoint.ts';

/** A name that stays with its address for as long as a flow uses it. */
export interface HeldName {
  /** The synthetic address that the application called. */
  readonly address: string;
  /** The flow is over, and has shown whether the bastion has such a name. Once. */
  release(found: 'known' | 'missing' | 'unclear'): void;
}

/** Why nobody opened a connection to a destination, as far as proxy protocols have words for it. */
export type OpenFailure = 'prohibited' | 'unknown-host' | 'unreachable' | 'refused' | 'timed-out' | 'other';

/** How the application is told whether its connection is open, where its protocol waits for that. */
export interface FlowAnswer {
  /** The connection is open; what is written now comes before all that the destination sends. */
  opened(): void;
  /** There is none: the accepted socket is the ingress's again, which tells the application and closes it. */
  failed(failure: OpenFailure, description: string): void;
}

/** What is shown of a flow while it is carried. The transport writes, others read. */
export interface FlowProgress {
  /** `held`: there is no connection to the bastion now; `opening`: it has not answered yet; `open`, also when that is over. */
  stage: 'held' | 'opening' | 'open';
  /** From the application to the destination, as accepted from the application. */
  bytesUp: number;
  /** From the destination to the application. */
  bytesDown: number;
}

/**
 * One connection of an application on its way to its destination: the same object from the ingress to the channel.
 *
 * The accepted socket belongs to the holder of the flow until its `stage` is `open`: paused, half-open capable, with not a byte read, or, from
 * a proxy, with what the application sent early put back. From then on it is the transport's, which closes or resets it.
 */
export interface Flow extends FlowProgress {
  readonly accepted: Socket;
  /** Where the application called from. */
  readonly originator: Endpoint;
  /** The address that it called, where the kernel redirected it to us. */
  readonly redirectedFrom: Endpoint | undefined;
  /** It came by a forward: to that one place, as the bastion sees it, whatever is captured and whatever names stand for. */
  readonly isForwarded: boolean;
  /** As it is shown: what the application named, or the name that its address stands for. */
  destination: HostPort;
  /** Where to connect to. */
  target: HostPort;
  /** Where `redirectedFrom` is a synthetic address. */
  heldName: HeldName | undefined;
  /** Undefined where a reset says all there is to say. */
  readonly answer: FlowAnswer | undefined;
  /** Called by the transport when the connection is open, before any byte of the destination's is written. */
  onOpen: (() => void) | undefined;
  /** By `performance.now()`. */
  readonly startedAtMs: number;
  /** By `performance.now()`; undefined while it is not open. */
  openedAtMs: number | undefined;
}

/** The connection to the destination is open: the accepted socket is the transport's. */
export function markOpen(flow: Flow): void {
  flow.stage = 'open';
  flow.openedAtMs = performance.now();
}

/** What is known of a flow when it begins. */
interface FlowStart {
  readonly accepted: Socket;
  readonly originator: Endpoint;
  readonly destination: HostPort;
  readonly redirectedFrom?: Endpoint;
  readonly isForwarded?: boolean;
  readonly answer?: FlowAnswer;
  readonly onOpen?: () => void;
}

/** A flow that has not begun. */
export function makeFlow({
  accepted,
  originator,
  destination,
  redirectedFrom,
  isForwarded = false,
  answer,
  onOpen = answer === undefined ? undefined : () => answer.opened(),
}: FlowStart): Flow {
  return {
    accepted,
    originator,
    redirectedFrom,
    isForwarded,
    destination,
    target: destination,
    heldName: undefined,
    answer,
    onOpen,
    stage: 'opening',
    bytesUp: 0,
    bytesDown: 0,
    startedAtMs: performance.now(),
    openedAtMs: undefined,
  };
}

/** A flow to the destination of a redirected connection. */
export function redirectedFlow(accepted: Socket, destination: Endpoint, originator: Endpoint): Flow {
  const { address: host, port } = destination;
  return makeFlow({ accepted, originator, destination: { host, port }, redirectedFrom: destination });
}
