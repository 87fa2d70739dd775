import type { Socket } from 'node:net';
import type { TshuttleError } from '../core/errors.ts';
import type { Endpoint, HostPort } from '../net/address/endpoint.ts';
import type { KeyOptions } from './key-options.ts';

/** Why the bastion did not open a channel (RFC 4254 section 5.1). */
export type RefusalReason =
  | 'prohibited'
  | 'connect-failed'
  | 'unknown-channel-type'
  | 'resource-shortage'
  | 'other';

/** How a flow ended. Endings are data: they never throw across flows. */
export type FlowEnd =
  /** Both directions ended with EOF. */
  | { readonly kind: 'eof' }
  /** The bastion did not open the channel; the application saw a reset. */
  | {
      readonly kind: 'refused';
      readonly reason: RefusalReason;
      readonly description: string;
      /** Of the keys that let us in, as far as they were told: evidence of why it is prohibited. */
      readonly keyOptions?: readonly KeyOptions[];
    }
  /**
   * One side broke off: the application's socket failed, or the destination's channel closed before its EOF. Or the kernel did,
   * which could no longer bring the application what was sent to it; no transport can tell that from the application.
   */
  | {
      readonly kind: 'reset';
      readonly by: 'application' | 'destination' | 'kernel';
      readonly detail: string;
    }
  /** The ssh connection went away under it. */
  | { readonly kind: 'bastion-lost' }
  /** We ended it: the tunnel is closing, the peer broke the channel protocol, or what it needs was not to be had in time. */
  | { readonly kind: 'aborted'; readonly detail: string; readonly lacks?: 'bastion' | 'descriptors' };

/** A channel that the bastion did not open. */
export type Refusal = Extract<FlowEnd, { kind: 'refused' }>;

/** What is known of a flow when it is over. */
export interface FlowSummary {
  readonly end: FlowEnd;
  /** Bytes from the application to the destination, as accepted from the application. */
  readonly bytesUp: number;
  /** Bytes from the destination to the application. */
  readonly bytesDown: number;
  /** The accepted socket is the caller's again, as it was: see {@link CarryOptions}. */
  readonly isGivenBack?: true;
}

/** The cause of a loss where the bastion has ended the connection in order, as it does with one that was idle for too long. */
export class BastionHungUp extends Error {
  override readonly name = 'BastionHungUp';
}

/** What a transport tells of a flow while it carries it. The transport writes, whoever shows flows reads. */
export interface FlowProgress {
  /** `held`: there is no connection now; `opening`: the bastion has not answered yet. */
  stage: 'held' | 'opening' | 'open';
  /** As in {@link FlowSummary}, so far. */
  bytesUp: number;
  bytesDown: number;
}

/** A flow that has not begun. */
export function startFlowProgress(): FlowProgress {
  return { stage: 'opening', bytesUp: 0, bytesDown: 0 };
}

/** What whoever answers an application himself wants of its flow. */
export interface CarryOptions {
  /** Called when the bastion has opened the channel, before any byte of the destination's is written. */
  readonly onOpen?: (() => void) | undefined;
  /** An accepted socket that the bastion refuses is not reset: it is the caller's again, as it was, when the promise resolves. */
  readonly givesBackRefused?: boolean | undefined;
  /**
   * Gives the accepted socket back, paused and unread, when the connection goes before the bastion has opened the channel:
   * the application has noticed nothing yet. A transport that cannot do so resets it, as ever.
   */
  readonly giveBackWhenLost?: boolean | undefined;
}

/** Whether nobody but the application, by a reset, is told how its flow begins. */
export function asksNothing(options: CarryOptions): boolean {
  return options.onOpen === undefined && options.givesBackRefused !== true;
}

/** How a flow goes out: one connection to a bastion that carries many flows. */
export interface Transport {
  /** For people: `user@bastion (203.0.113.7:22)`. */
  readonly description: string;
  /** What the way to the bastion and back took last, in ms; undefined where it is not measured. */
  readonly roundTripMs: number | undefined;
  /** Resolves, never rejects, when the connection is gone for another reason than {@link Transport.close}. */
  readonly lost: Promise<TshuttleError>;
  /**
   * Carries an accepted socket to a destination until both directions are over. Never rejects.
   *
   * Owns `accepted` from the call on: it is closed, or reset where the application must see a failure, when the promise
   * resolves. `accepted` must be paused and half-open capable; it may hold bytes that were put back, and have ended.
   *
   * @param progress kept up to date, for whoever shows flows
   */
  carry(
    accepted: Socket,
    destination: HostPort,
    originator: Endpoint,
    progress?: FlowProgress,
    options?: CarryOptions,
  ): Promise<FlowSummary>;
  /**
   * Opens a connection of our own to a destination, which the bastion resolves; for jump hosts, DNS over TCP and requests.
   *
   * Either side may end its direction and read on. What breaks off before its end of data is an 'error' (ECONNRESET), never
   * a mere end. The caller owns the socket, which has an error listener.
   *
   * @throws TshuttleError ERR_CHANNEL_REFUSED when the bastion does not open it, its `cause` the {@link FlowEnd};
   *   ERR_BASTION_LOST when there is no connection; the signal's reason. The signal has no effect later.
   */
  open(destination: HostPort, signal: AbortSignal): Promise<Socket>;
  /**
   * Finds out at once whether the bastion still answers, where there is a reason for doubt: one that does not is lost within
   * seconds. Left out where there is no means for it.
   */
  probe?(): void;
  /** Ends every flow with a reset and closes the connection. Idempotent. */
  close(): Promise<void>;
}
