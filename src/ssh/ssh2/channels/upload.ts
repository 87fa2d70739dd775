import type { Socket } from 'node:net';
import type { FlowProgress } from '../../../net/flow.ts';
import { receiveNow } from '../../../net/native/transfer/receive.ts';
import { copyToPool, isPooled, release } from '../../../net/sockets/byte-pool.ts';
import { pauseReads, READ_BUFFER_BYTES, resumeReads } from '../../../net/sockets/read-buffer.ts';
import type { ChannelWire, DataSource } from './channel-wire.ts';
import type { Sender } from './flow-control/send-scheduler.ts';

/** RFC 4254 section 5.2: a window never exceeds 2^32 - 1 bytes. */
const MAX_WINDOW_BYTES = 2 ** 32 - 1;

/** A window of 2 MiB that is granted anew 256 bytes at a time. */
const MAX_ADJUSTS_IN_VAIN = 8_192;

/** What was sent lately counts half after so long, in ms. */
const RECENT_HALF_LIFE_MS = 1000;

/** The multiplexer, as uploads see it. */
interface UploadOwner {
  readonly wire: ChannelWire;
  /** There is something to send: give it turns. */
  enqueue(sender: Sender): void;
}

/** Events of an upload, for its channel. */
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
export class Upload implements Sender, DataSource {
  readonly #accepted: Socket;
  readonly #owner: UploadOwner;
  readonly #progress: FlowProgress;
  readonly #listener: UploadListener;
  /** While data may be sent. */
  #remote: Remote | undefined;
  #windowBytes = 0;
  /** Not sent yet: what one read of the socket gave, since it is paused meanwhile. */
  #pending: Buffer | undefined;
  /** The stream's reads are paused and each turn reads from the kernel directly: for an application with much to send. */
  #isReadDirectly = false;
  #applicationEnded: boolean;
  #eofSent = false;
  #recentBytes = 0;
  #recentAtMs = 0;
  /** Grants of the bastion's while the application has sent nothing, and what it had sent by then. */
  #adjustsInVain = 0;
  #bytesUpAtAdjust = 0;

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
    this.#endDirectRead();
  }

  /** Forgets what is not sent. */
  drop(): void {
    this.#pending = undefined;
  }

  /**
   * The bastion takes more.
   *
   * @returns false where it has said so very often since anything was sent
   */
  windowAdjusted(bytes: number): boolean {
    this.#windowBytes = Math.min(this.#windowBytes + bytes, MAX_WINDOW_BYTES);
    if (this.wantsTurn()) this.#owner.enqueue(this);
    if (this.#progress.bytesUp !== this.#bytesUpAtAdjust) {
      this.#bytesUpAtAdjust = this.#progress.bytesUp;
      this.#adjustsInVain = 0;
    }
    this.#adjustsInVain += 1;
    return this.#adjustsInVain <= MAX_ADJUSTS_IN_VAIN;
  }

  /** The application's data, valid during the call; only while the upload is open. */
  sent(bytes: Buffer): void {
    this.#progress.bytesUp += bytes.length;
    this.#pending = bytes;
    if (this.wantsTurn()) this.#owner.enqueue(this);
    if (bytes.length >= READ_BUFFER_BYTES) this.#beginDirectRead();
    const unsent = this.#pending as Buffer | undefined;
    if (unsent === undefined) return;
    // The read buffer is reused, unless these bytes have waited in the stream.
    this.#pending = isPooled(unsent) ? unsent : copyToPool(unsent);
    if (!this.#isReadDirectly) this.#accepted.pause();
  }

  /** The application's end of data. */
  finished(): void {
    this.#applicationEnded = true;
    if (this.#pending === undefined) this.#allSent();
  }

  wantsTurn(): boolean {
    const hasSomething = this.#pending !== undefined || this.#isReadDirectly;
    return this.#remote !== undefined && hasSomething && this.#windowBytes > 0;
  }

  recentlySentBytes(nowMs: number): number {
    const elapsedMs = nowMs - this.#recentAtMs;
    return elapsedMs > 0 ? this.#recentBytes * 0.5 ** (elapsedMs / RECENT_HALF_LIFE_MS) : this.#recentBytes;
  }

  sendPacket(nowMs: number, maxBytes: number): number {
    if (this.#remote === undefined) return 0;
    const { id, maxPacketBytes } = this.#remote;
    const most = Math.min(this.#windowBytes, maxPacketBytes, maxBytes);
    const chunk = this.#pending;
    const bytes = chunk === undefined ? this.#sendDirectRead(id, most) : this.#sendPending(id, chunk, most);
    if (bytes === 0) return 0;
    this.#windowBytes -= bytes;
    this.#recentBytes = this.recentlySentBytes(nowMs) + bytes;
    this.#recentAtMs = nowMs;
    // EOF needs no window, and the stream sees it.
    if (this.#windowBytes === 0 && this.#pending === undefined) this.#endDirectRead();
    return bytes;
  }

  fill(memory: Buffer): number {
    return receiveNow(this.#accepted, memory);
  }

  #sendPending(remoteId: number, chunk: Buffer, maxBytes: number): number {
    const bytes = Math.min(chunk.length, maxBytes);
    if (bytes === 0) return 0;
    this.#owner.wire.data(remoteId, chunk.subarray(0, bytes));
    if (bytes < chunk.length) {
      this.#pending = chunk.subarray(bytes);
    } else {
      this.#pending = undefined;
      release(chunk);
      if (!this.#isReadDirectly) this.#allSent();
    }
    return bytes;
  }

  #sendDirectRead(remoteId: number, maxBytes: number): number {
    if (!this.#isReadDirectly || maxBytes === 0) return 0;
    const bytes = this.#owner.wire.dataFrom(remoteId, maxBytes, this);
    this.#progress.bytesUp += bytes;
    if (bytes === 0) this.#endDirectRead();
    return bytes;
  }

  #beginDirectRead(): void {
    if (this.#remote === undefined || this.#windowBytes === 0) return;
    this.#isReadDirectly = pauseReads(this.#accepted);
    if (this.#isReadDirectly) this.#owner.enqueue(this);
  }

  /** The stream's own reads tell of what comes next, the end of data included. */
  #endDirectRead(): void {
    if (!this.#isReadDirectly) return;
    this.#isReadDirectly = false;
    resumeReads(this.#accepted);
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
