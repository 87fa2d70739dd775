import type { Socket } from 'node:net';
import type { Endpoint, HostPort } from '../net/address/endpoint.ts';

/** A name that stays with its address for as long as a flow uses it. */
export interface HeldName {
  readonly name: string;
  /** The flow is over, and has shown whether the bastion has such a name. Once. */
  release(found: 'known' | 'missing' | 'unclear'): void;
}

/** Why nobody opened a connection to a destination, as far as proxy protocols have words for it. */
export type OpenFailure = 'prohibited' | 'unknown-host' | 'unreachable' | 'refused' | 'timed-out' | 'other';

/** How the application is told whether its connection is open, where its protocol waits for that. */
interface FlowAnswer {
  /** The connection is open; what is written now comes before all that the destination sends. */
  opened(): void;
  /** There is none: the accepted socket is the ingress's again, which tells the application and closes it. */
  failed(failure: OpenFailure, description: string): void;
}

/** How every ingress hands a flow over: an accepted socket and where it meant to go. */
export interface IncomingFlow {
  /**
   * Paused, half-open capable; the receiver owns it. Not a byte read, or, from a proxy, with what the application sent early
   * put back.
   */
  readonly accepted: Socket;
  /** As the application named it: a redirected one has an address, a proxy's client may give a name. */
  readonly destination: Endpoint | HostPort;
  /** What the destination's address stands for, where it is a synthetic one: the bastion is to connect to this name. */
  readonly destinationName?: HeldName;
  /** Where the application called from. */
  readonly originator: Endpoint;
  /** Undefined where a reset says all there is to say. */
  readonly answer?: FlowAnswer;
}
