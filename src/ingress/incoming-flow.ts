import type { Socket } from 'node:net';
import type { Endpoint, HostPort } from '../net/endpoint.ts';

/** A name that stays with its address for as long as a flow uses it. */
interface HeldName {
  readonly name: string;
  /** The flow is over. Once. */
  release(): void;
}

/** How every ingress hands a flow over: an accepted socket and where it meant to go. */
export interface IncomingFlow {
  /** Paused, half-open capable, not a byte read; the receiver owns it. */
  readonly accepted: Socket;
  /** As the application named it: a redirected one has an address, a proxy's client may give a name. */
  readonly destination: Endpoint | HostPort;
  /** What the destination's address stands for, where it is a synthetic one: the bastion is to connect to this name. */
  readonly destinationName?: HeldName;
  /** Where the application called from. */
  readonly originator: Endpoint;
}
