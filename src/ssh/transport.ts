import type { Socket } from 'node:net';
import type { TshuttleError } from '../core/errors.ts';
import type { HostPort } from '../net/address/endpoint.ts';
import type { Flow } from '../net/flow.ts';
import type { NegotiatedAlgorithms } from './agreement.ts';
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

/** The outcome of a flow. */
export interface FlowSummary {
  readonly end: FlowEnd;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** The summary of a flow that was not opened. */
export function notOpened(end: FlowEnd): FlowSummary {
  return { end, bytesUp: 0, bytesDown: 0 };
}

/** The cause of a loss where the bastion has ended the connection in order, as it does with one that was idle for too long. */
export class BastionHungUp extends Error {
  override readonly name = 'BastionHungUp';
}

/** Events of a {@link BastionProgram}. */
export interface ProgramListener {
  /** Its standard output, valid during the call. */
  said(bytes: Buffer): void;
  /** The last call: it has ended, or could not be started. `why` is for people; undefined where it has just ended. */
  over(why: string | undefined): void;
}

/** A program that runs on the bastion. What it says is taken as fast as it comes. */
export interface BastionProgram {
  /** Gives it something small that it must get, once it has said something. What waits for the way to it is 64 KiB at most, or it ends. */
  write(bytes: Buffer): void;
  /** Gives it all of this, or nothing where the way to it is full. @returns whether it was taken */
  send(bytes: Buffer): boolean;
  /** Ends its input, and it. Idempotent. */
  close(): void;
}

/** How a flow goes out: one connection to a bastion that carries many flows. */
export interface Transport {
  /** For people: `user@bastion (203.0.113.7:22)`. */
  readonly description: string;
  /** The latest round trip time to the bastion, in ms; undefined where it is not measured. */
  readonly roundTripMs: number | undefined;
  /** What was agreed on with the bastion; left out where the user's own ssh knows. */
  readonly algorithms?: NegotiatedAlgorithms | undefined;
  /** Resolves, never rejects, when the connection is gone for another reason than {@link Transport.close}. */
  readonly lost: Promise<TshuttleError>;
  /**
   * Carries a flow until both directions are over. Never rejects.
   *
   * Where it has not come to be `open` when the promise resolves, its accepted socket is the caller's as it was, who resets it, tells its
   * application, or carries it elsewhere; or it is closed, because the application went, or the transport could not give it back.
   */
  carry(flow: Flow): Promise<FlowSummary>;
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
