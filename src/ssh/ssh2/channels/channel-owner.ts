import type { FlowEnd } from '../../transport.ts';
import type { PeerConduct } from '../peer-conduct.ts';
import type { ChannelWire } from './channel-wire.ts';
import type { ReceiveBudget } from './flow-control/receive-budget.ts';
import type { Sender } from './flow-control/send-scheduler.ts';

/** The multiplexer, as its channels see it. */
export interface ChannelOwner {
  readonly wire: ChannelWire;
  readonly budget: ReceiveBudget;
  readonly conduct: PeerConduct;
  /** There is something to send: give it turns. */
  enqueue(sender: Sender): void;
  /** The id may be given out again: both sides have closed, or the open was refused. */
  forget(channel: OwnedChannel): void;
  /** The accepted socket is closed, or given back. */
  flowIsOver(channel: OwnedChannel): void;
}

/** A channel as its owner knows it. */
export interface OwnedChannel {
  readonly localId: number;
  readonly upload: Sender;
  /** Ends the flow; the application sees a reset. */
  abort(detail: string): void;
}

/** How far a channel has come. */
export type SshSide =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open'; readonly remoteId: number }
  /** We have sent CLOSE and wait for the other. */
  | { readonly kind: 'closing' }
  | { readonly kind: 'closed' };

/** The end of a flow whose channel the bastion has closed. */
export function closedByDestination(detail: string): FlowEnd {
  return { kind: 'reset', by: 'destination', detail };
}
