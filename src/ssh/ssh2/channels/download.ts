import type { Socket } from 'node:net';
import type { FlowProgress } from '../../../net/flow.ts';
import { shutNow } from '../../../net/native/connection-end.ts';
import { sendOrCopy } from '../../../net/native/transfer/send.ts';
import type { ChannelWire } from './channel-wire.ts';
import type { ReceiveBudget } from './flow-control/receive-budget.ts';
import { ReceiveWindow } from './flow-control/receive-window.ts';

const NOTHING = Buffer.alloc(0);

/** The multiplexer, as downloads see it. */
interface DownloadOwner {
  readonly wire: ChannelWire;
  readonly budget: ReceiveBudget;
}

/** How far the destination's end of data has come. */
type Ending = 'none yet' | 'received' | 'passed on past the stream';

/**
 * The direction of a channel from the destination to the application: data goes to the kernel as far as it takes it, and what it
 * has taken is granted anew; the destination's EOF becomes a FIN after all that.
 *
 * It begins with {@link Download.open} and is over with {@link Download.stop}. The accepted socket is its channel's, but once
 * both directions have ended this closes it.
 */
export class Download {
  readonly #accepted: Socket;
  readonly #owner: DownloadOwner;
  readonly #progress: FlowProgress;
  readonly #window: ReceiveWindow;
  /** While data may come. */
  #remoteId: number | undefined;
  #ending: Ending = 'none yet';
  /** Made when a reader is slow, then one for all writes. */
  #onTaken: (() => void) | undefined;

  constructor(accepted: Socket, owner: DownloadOwner, progress: FlowProgress) {
    this.#accepted = accepted;
    this.#owner = owner;
    this.#progress = progress;
    this.#window = new ReceiveWindow(owner.budget);
  }

  /** The window to open the channel with, in bytes. */
  get initialWindowBytes(): number {
    return this.#window.initialBytes;
  }

  /** All that the destination had to send is here. */
  get eofReceived(): boolean {
    return this.#ending !== 'none yet';
  }

  /** Data may come from now on. */
  open(remoteId: number): void {
    this.#remoteId = remoteId;
  }

  /** What comes is dropped, nothing is granted any more, and the share of the connection's budget is given back. Idempotent. */
  stop(): void {
    this.#remoteId = undefined;
    this.#owner.budget.forget(this.#window);
  }

  /**
   * Data for the application, valid during the call; what comes after the application has gone is dropped.
   *
   * @param isLast EOF is next
   * @returns false when the bastion has sent more than its window allows
   */
  received(pieces: readonly Buffer[], bytes: number, isLast: boolean): boolean {
    if (this.#remoteId === undefined || this.eofReceived) return this.#window.receivedInVain(bytes);
    if (!this.#window.received(bytes)) return false;
    // A destination that cannot send may never take the rest of the upload that the channel is kept for.
    if (this.#accepted.closed) this.#grant();
    else this.#deliver(pieces, bytes, isLast);
    return true;
  }

  /** The destination has sent all it had. */
  ended(): void {
    if (this.#remoteId === undefined || this.eofReceived) return;
    this.#ending = 'received';
    // Ending only what is flushed: a socket cannot be reset while its shutdown waits (native-notes/reset.md).
    if (this.#accepted.writableLength === 0) this.#passEndOn();
    else this.#accepted.write(NOTHING, () => this.#passEndOn());
  }

  /** The application has sent all it had, and that is read. */
  applicationEnded(): void {
    // The stream does not know of this end, and does not close by itself.
    if (this.#ending === 'passed on past the stream') this.#accepted.destroy();
  }

  #deliver(pieces: readonly Buffer[], bytes: number, isLast: boolean): void {
    this.#progress.bytesDown += bytes;
    const rest = sendOrCopy(this.#accepted, pieces, isLast);
    if (rest === undefined) this.#grant();
    else {
      // Not on 'drain', which comes only above the socket's high-water mark.
      this.#onTaken ??= () => this.#grant();
      this.#accepted.write(rest, this.#onTaken);
    }
  }

  #grant(): void {
    if (this.#remoteId === undefined || this.eofReceived) return;
    const undeliveredBytes = this.#accepted.closed ? 0 : this.#accepted.writableLength;
    const bytes = this.#window.grant(undeliveredBytes);
    if (bytes > 0) this.#owner.wire.windowAdjust(this.#remoteId, bytes);
  }

  #passEndOn(): void {
    if (!shutNow(this.#accepted)) {
      this.#accepted.end();
      return;
    }
    this.#ending = 'passed on past the stream';
    if (this.#accepted.readableEnded) this.#accepted.destroy();
  }
}
