import type { Socket } from 'node:net';
import type { Endpoint } from '../net/endpoint.ts';

/** How every ingress hands a flow over: an accepted socket and where it meant to go. */
export interface IncomingFlow {
  /** Paused, half-open capable, not a byte read; the receiver owns it. */
  readonly accepted: Socket;
  readonly destination: Endpoint;
  /** Where the application called from. */
  readonly originator: Endpoint;
}
