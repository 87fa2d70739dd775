import type { Socket } from 'node:net';
import type { HostPort } from '../../net/endpoint.ts';
import type { FlowEnd, FlowProgress } from '../transport.ts';

/** A flow on its way through an ssh. */
export interface CarriedFlow {
  /** Owned by whoever carries it. */
  readonly accepted: Socket;
  readonly destination: HostPort;
  readonly progress: FlowProgress;
  /** Aborts the flow: the tunnel is closing. */
  readonly signal: AbortSignal;
  /** Called when the bastion has opened the channel. */
  onOpen(): void;
}

/** How a flow ends when its signal is aborted. */
export const ABORTED: FlowEnd = { kind: 'aborted', detail: 'the tunnel is closing' };
