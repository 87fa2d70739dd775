import type { Socket } from 'node:net';
import { giveBack, isKept, keepBytes } from '../../net/kept-bytes.ts';
import type { FlowProgress } from '../transport.ts';
import type { ChannelWire } from './channel-wire.ts';
import type { Sender } from './send-scheduler.ts';

/** RFC 4254 section 5.2: a window never exceeds 2^32 - 1 bytes. */
const MAX_WINDOW_BYTES = 2 ** 32 - 1;

/** What was sent lately counts half after so long, in ms. */
const RECENT_HALF_LIFE_MS = 1000;

/** What an upload asks of the multiplexer. */
interface UploadOwner {
  readonly wire: ChannelWire;
  /** There is something to send: give it turns. */
  enqueue(sender: Sender): void;
}

/** What an upload tells its channel. */
export interface UploadListener {
  /** EOF was sent, just now. */
  uploadEnded(): void;
}

/** Where a channel is open. */
interface Remote {
  readonly id: number;
  readonly maxPacketBytes: number;
}

/**
 * The direction of a channel from the application to the destination: what one read of the accepted socket gave is sent
 * as the bastion's window and the scheduler allow, and only then is more read; the application's end becomes EOF.
 *
 * It begins with {@link Upload.open} and is over with {@link Upload.stop}, or when EOF is sent. The accepted socket is its
 * channel's.
 */
export class Upload implements Sender {
  readonly #accepted: Socket;
  readonly #owner: UploadOwner;
  readonly #progress: FlowProgress;
  readonly #listener: UploadListener;
  /** While data may be sent. */
  #remote: Remote | undefined;
  #windowBytes = 0;
  /** Not sent yet: what one read of the socket gave, since it is paused meanwhile. */
  #pending: Buffer | undefined;
  #applicationEnded: boolean;
  #eofSent = false;
  #recentBytes = 0;
  #recentAtMs = 0;

  constructor(accepted: Socket, owner: UploadOwner, progress: FlowProgress, listener: UploadListener) {
    this.#accepted = accepted;
    this.#owner = owner;
    this.#progress = progress;
    this.#listener = listener;
    // Nothing to read, not even the end, is left of one that has been read and has ended before.
    this.#applicationEnded = accepted.readableEnded;
  }

  /** The application sends no more. */
  get applicationEnded(): boolean {
    return this.#applicationEnded;
  }

  /** All is sent, and that it is all. */
  get eofSent(): boolean {
    return this.#eofSent;
  }

  /** Something was read and is not sent. */
  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** Data may be sent from now on; begins to read. */
  open(remoteId: number, windowBytes: number, packetBytes: number): void {
    this.#remote = { id: remoteId, maxPacketBytes: Math.max(1, packetBytes) };
    this.#windowBytes = windowBytes;
    this.#allSent();
  }

  /** Nothing is sent any more. Idempotent. */
  stop(): void {
    this.#remote = undefined;
  }

  /** Forgets what is not sent. */
  drop(): void {
    this.#pending = undefined;
  }

  /** The bastion takes more. */
  windowAdjusted(bytes: number): void {
    this.#windowBytes = Math.min(this.#windowBytes + bytes, MAX_WINDOW_BYTES);
    if (this.wantsTurn()) this.#owner.enqueue(this);
  }

  /** The application's data, lent for the call; only while the upload is open. */
  sent(bytes: Buffer): void {
    this.#progress.bytesUp += bytes.length;
    this.#pending = bytes;
    if (this.wantsTurn()) this.#owner.enqueue(this);
    const unsent = this.#pending as Buffer | undefined;
    if (unsent === undefined) return;
    // What is read is lent, unless it has waited in the stream.
    this.#pending = isKept(unsent) ? unsent : keepBytes(unsent);
    this.#accepted.pause();
  }

  /** The application's end of data. */
  finished(): void {
    this.#applicationEnded = true;
    if (this.#pending === undefined) this.#allSent();
  }

  wantsTurn(): boolean {
    return this.#remote !== undefined && this.#pending !== undefined && this.#windowBytes > 0;
  }

  recentlySentBytes(): number {
    return this.#recentBytes * 0.5 ** ((performance.now() - this.#recentAtMs) / RECENT_HALF_LIFE_MS);
  }

  sendPacket(): number {
    const chunk = this.#pending;
    if (this.#remote === undefined || chunk === undefined) return 0;
    const { id, maxPacketBytes } = this.#remote;
    const bytes = Math.min(chunk.length, this.#windowBytes, maxPacketBytes);
    if (bytes === 0) return 0;
    this.#windowBytes -= bytes;
    this.#recentBytes = this.recentlySentBytes() + bytes;
    this.#recentAtMs = performance.now();
    this.#owner.wire.data(id, chunk.subarray(0, bytes));
    if (bytes < chunk.length) {
      this.#pending = chunk.subarray(bytes);
    } else {
      this.#pending = undefined;
      giveBack(chunk);
      this.#allSent();
    }
    return bytes;
  }

  #allSent(): void {
    if (!this.#applicationEnded) {
      this.#accepted.resume();
    } else if (this.#remote !== undefined && !this.#eofSent) {
      this.#eofSent = true;
      this.#owner.wire.eof(this.#remote.id);
      this.#listener.uploadEnded();
    }
  }
}
