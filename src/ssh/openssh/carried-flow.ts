import type { Socket } from 'node:net';
import { messageOf, systemCodeOf } from '../../core/errors.ts';
import type { HostPort } from '../../net/address/endpoint.ts';
import type { FlowProgress } from '../../net/flow.ts';
import type { FlowEnd } from '../transport.ts';

/** A flow on its way through an ssh. */
export interface CarriedFlow {
  /** Owned by the carrier once the channel is open; before that, where a copy of it was passed on. */
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

/** How a flow ends that ssh has not been given. */
export function notTaken(error: unknown): FlowEnd {
  const lacks = systemCodeOf(error) === 'EMFILE' ? ({ lacks: 'descriptors' } as const) : {};
  return { kind: 'aborted', detail: `ssh did not take the connection: ${messageOf(error)}`, ...lacks };
}
