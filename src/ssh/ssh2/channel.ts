import type { Socket } from 'node:net';
import { giveBack, isKept, keepBytes } from '../../net/kept-bytes.ts';
import { lendReads } from '../../net/lent-reads.ts';
import { resetWhenShut, resetWhenTaken } from '../../net/reset-when-taken.ts';
import { sendOrCopy } from '../../net/send-or-copy.ts';
import type { FlowEnd, FlowProgress, FlowSummary, Refusal } from '../transport.ts';
import {
  type ApplicationListener,
  listenToApplication,
  stopListeningToApplication,
} from './application-events.ts';
import type { ChannelOptions, ChannelOwner, NotOpened, OwnedChannel } from './channel-owner.ts';
import { ReceiveWindow } from './receive-window.ts';
import { refusalOf } from './refusal.ts';

/** RFC 4254 section 5.2: a window never exceeds 2^32 - 1 bytes. */
const MAX_WINDOW_BYTES = 2 ** 32 - 1;

const NOTHING = Buffer.alloc(0);

/** What was sent lately counts half after so long, in ms. */
const RECENT_HALF_LIFE_MS = 1000;

type SshSide =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open'; readonly remoteId: number; readonly maxPacketBytes: number }
  /** We have sent CLOSE and wait for the other. */
  | { readonly kind: 'closing' }
  | { readonly kind: 'closed' };

/**
 * One direct-tcpip channel joined to one accepted socket.
 *
 *     opening ──confirmation──> open ──CLOSE sent──> closing ──CLOSE received──> closed
 *        │                        └──────────CLOSE received, answered──────────────^
 *        └──failure───────────────────────────────────────────────────────────────^
 *
 * Independently of that, each direction ends once: the application's FIN becomes EOF after all its bytes are sent, the
 * destination's EOF becomes a FIN after all its bytes are written. The flow is over when the accepted socket is closed;
 * its id is free when the ssh side is closed. An end that the application must not take for a success is a reset.
 */
export class Channel implements OwnedChannel, ApplicationListener {
  readonly localId: number;
  readonly #accepted: Socket;
  readonly #owner: ChannelOwner;
  readonly #onOver: (summary: FlowSummary) => void;
  readonly #progress: FlowProgress;
  readonly #options: ChannelOptions;

  #ssh: SshSide = { kind: 'opening' };
  /** The first cause of the end, once there is one. */
  #end: FlowEnd | undefined;
  /** The accepted socket is being reset, which may have to wait for a tick. */
  #isBreakingOff = false;
  /** The accepted socket is closed. */
  #isOver = false;

  // Up: application to destination.
  #sendWindowBytes = 0;
  /** Not sent yet: what one read of the socket gave, since it is paused meanwhile. */
  #pendingUp: Buffer | undefined;
  #applicationEnded = false;
  #eofSent = false;
  #recentBytes = 0;
  #recentAtMs = 0;

  // Down: destination to application.
  readonly #receiveWindow: ReceiveWindow;
  #eofReceived = false;

  /** Made when a reader is slow, then one for all writes. */
  #onTaken: (() => void) | undefined;

  /**
   * Owns `accepted` from now on. `onOver` is called once: when the socket is closed, or is nobody's again because the channel
   * was not opened and the options want it back.
   */
  constructor(
    localId: number,
    accepted: Socket,
    owner: ChannelOwner,
    onOver: (summary: FlowSummary) => void,
    progress: FlowProgress,
    options: ChannelOptions,
  ) {
    this.localId = localId;
    this.#accepted = accepted;
    this.#applicationEnded = accepted.readableEnded;
    this.#owner = owner;
    this.#onOver = onOver;
    this.#progress = progress;
    this.#options = options;
    this.#receiveWindow = new ReceiveWindow(owner.budget);
    listenToApplication(accepted, this);
  }

  /** The window to open the channel with, in bytes. */
  get initialWindowBytes(): number {
    return this.#receiveWindow.initialBytes;
  }

  // --- from the bastion

  /** The channel is open: data may flow both ways. */
  confirmed(remoteId: number, windowBytes: number, packetBytes: number): void {
    if (this.#ssh.kind !== 'opening') return;
    this.#ssh = { kind: 'open', remoteId, maxPacketBytes: Math.max(1, packetBytes) };
    this.#sendWindowBytes = windowBytes;
    if (this.#isOver) {
      this.#sendClose();
    } else {
      this.#progress.stage = 'open';
      lendReads(this.#accepted);
      // Nothing to read, not even the end, is left of one that has been read and has ended before.
      if (this.#applicationEnded) this.#allSent();
      else this.#accepted.resume();
    }
    this.#options.onOpen?.();
  }

  /** The bastion did not open the channel. */
  refused(refusal: Refusal): void {
    if (this.#ssh.kind !== 'opening') return;
    this.#sshClosed();
    this.#notOpened(refusal);
  }

  /** Data for the application, lent for the call; what comes after the application has gone is dropped. */
  received(pieces: readonly Buffer[], bytes: number): void {
    if (this.#ssh.kind !== 'open' || this.#eofReceived) return;
    if (!this.#receiveWindow.received(bytes)) {
      this.abort('the bastion sent more than its window allows');
    } else if (this.#isOver) {
      // A destination that cannot send may never take the rest of the upload that the channel is kept for.
      this.#grant();
    } else {
      this.#progress.bytesDown += bytes;
      const rest = sendOrCopy(this.#accepted, pieces);
      if (rest === undefined) this.#grant();
      else {
        // Not on 'drain', which comes only above the socket's high-water mark.
        this.#onTaken ??= () => this.#grant();
        this.#accepted.write(rest, this.#onTaken);
      }
    }
  }

  /** The bastion takes more. */
  windowAdjusted(bytes: number): void {
    this.#sendWindowBytes = Math.min(this.#sendWindowBytes + bytes, MAX_WINDOW_BYTES);
    if (this.wantsTurn()) this.#owner.enqueue(this);
  }

  /** The destination has sent all it had. */
  eofReceived(): void {
    if (this.#ssh.kind !== 'open' || this.#eofReceived) return;
    this.#eofReceived = true;
    // Ending only what is flushed: a socket cannot be reset while its shutdown waits (native-notes/reset.md).
    if (this.#accepted.writableLength === 0) this.#accepted.end();
    else this.#accepted.write(NOTHING, () => this.#accepted.end());
    this.#closeWhenBothEnded();
  }

  /** The bastion is done with the channel. */
  closeReceived(): void {
    if (this.#ssh.kind === 'opening') {
      this.refused(refusalOf(0, 'closed by the bastion instead of opened'));
    }
    if (this.#ssh.kind === 'closed') return;
    this.#sendClose();
    this.#sshClosed();
    if (!this.#eofReceived) {
      this.#breakOff(closedByDestination('closed before its end of data'));
    } else if (this.#pendingUp !== undefined) {
      this.#breakOffAfterFlush(closedByDestination('closed before it took all data'));
    }
    // Else, as with TCP, the application has its FIN, and is reset only if it goes on sending.
  }

  /** A channel request: there is none that a direct-tcpip channel could grant. */
  requested(wantReply: boolean): void {
    if (wantReply && this.#ssh.kind === 'open') this.#owner.wire.requestFailure(this.#ssh.remoteId);
  }

  /** The ssh connection is gone. */
  connectionLost(): void {
    const wasOpening = this.#ssh.kind === 'opening';
    this.#sshClosed();
    if (wasOpening) this.#notOpened({ kind: 'bastion-lost' });
    // What is complete needs the connection no more: a slow reader may take the rest.
    else if (!this.#eofReceived || !this.#eofSent) this.#breakOff({ kind: 'bastion-lost' });
  }

  // --- from us

  /** Ends the flow; the application sees a reset. */
  abort(detail: string): void {
    this.#breakOff({ kind: 'aborted', detail });
    this.#sendClose();
  }

  wantsTurn(): boolean {
    return this.#ssh.kind === 'open' && this.#pendingUp !== undefined && this.#sendWindowBytes > 0;
  }

  recentlySentBytes(): number {
    return this.#recentBytes * 0.5 ** ((performance.now() - this.#recentAtMs) / RECENT_HALF_LIFE_MS);
  }

  sendPacket(): number {
    const chunk = this.#pendingUp;
    if (this.#ssh.kind !== 'open' || chunk === undefined) return 0;
    const { remoteId, maxPacketBytes } = this.#ssh;
    const bytes = Math.min(chunk.length, this.#sendWindowBytes, maxPacketBytes);
    if (bytes === 0) return 0;
    this.#sendWindowBytes -= bytes;
    this.#recentBytes = this.recentlySentBytes() + bytes;
    this.#recentAtMs = performance.now();
    this.#owner.wire.data(remoteId, chunk.subarray(0, bytes));
    if (bytes < chunk.length) {
      this.#pendingUp = chunk.subarray(bytes);
    } else {
      this.#pendingUp = undefined;
      giveBack(chunk);
    }
    if (this.#pendingUp === undefined) this.#allSent();
    return bytes;
  }

  #grant(): void {
    if (this.#ssh.kind !== 'open' || this.#eofReceived) return;
    const undeliveredBytes = this.#isOver ? 0 : this.#accepted.writableLength;
    const bytes = this.#receiveWindow.grant(undeliveredBytes);
    if (bytes > 0) this.#owner.wire.windowAdjust(this.#ssh.remoteId, bytes);
  }

  // --- from the application

  applicationSent(bytes: Buffer): void {
    if (this.#ssh.kind !== 'open') {
      this.#accepted.pause();
      this.#breakOffAfterFlush(closedByDestination('closed while the application was sending'));
      return;
    }
    this.#progress.bytesUp += bytes.length;
    this.#pendingUp = bytes;
    if (this.wantsTurn()) this.#owner.enqueue(this);
    const unsent = this.#pendingUp as Buffer | undefined;
    if (unsent === undefined) return;
    // What is read is lent, unless it has waited in the stream.
    this.#pendingUp = isKept(unsent) ? unsent : keepBytes(unsent);
    this.#accepted.pause();
  }

  applicationFinished(): void {
    this.#applicationEnded = true;
    if (this.#pendingUp === undefined) this.#allSent();
  }

  #allSent(): void {
    if (!this.#applicationEnded) {
      this.#accepted.resume();
    } else if (this.#ssh.kind === 'open' && !this.#eofSent) {
      this.#eofSent = true;
      this.#owner.wire.eof(this.#ssh.remoteId);
      this.#closeWhenBothEnded();
    }
  }

  applicationFailed(detail: string): void {
    this.#end ??= { kind: 'reset', by: 'application', detail };
  }

  acceptedClosed(): void {
    this.#isOver = true;
    if (this.#applicationEnded) {
      // An application that has sent everything and is gone: what it sent still arrives.
      this.#closeWhenBothEnded();
    } else {
      this.#pendingUp = undefined;
      this.#sendClose();
    }
    this.#end ??= { kind: 'eof' };
    const { bytesUp, bytesDown } = this.#progress;
    this.#owner.flowIsOver(this);
    this.#onOver({ end: this.#end, bytesUp, bytesDown });
  }

  // --- endings

  #closeWhenBothEnded(): void {
    if (this.#eofSent && (this.#eofReceived || this.#isOver)) this.#sendClose();
  }

  #sendClose(): void {
    if (this.#ssh.kind !== 'open') return;
    const { remoteId } = this.#ssh;
    this.#ssh = { kind: 'closing' };
    this.#owner.wire.close(remoteId);
  }

  #sshClosed(): void {
    this.#ssh = { kind: 'closed' };
    this.#owner.budget.forget(this.#receiveWindow);
    this.#owner.forget(this);
  }

  #notOpened(end: NotOpened): void {
    const isOurs = !this.#isOver && !this.#isBreakingOff;
    if (!isOurs || !this.#isWantedBack(end)) {
      this.#breakOff(end);
      return;
    }
    this.#isOver = true;
    stopListeningToApplication(this.#accepted);
    this.#owner.flowIsOver(this);
    this.#onOver({ end, bytesUp: 0, bytesDown: 0, isGivenBack: true });
  }

  #isWantedBack(end: NotOpened): boolean {
    const { giveBackWhenLost, givesBackRefused, mayTryElsewhere } = this.#options;
    if (end.kind === 'bastion-lost') return giveBackWhenLost === true;
    return mayTryElsewhere?.(end) === true || givesBackRefused === true;
  }

  #breakOff(end: FlowEnd): void {
    if (this.#isOver || this.#isBreakingOff) return;
    this.#isBreakingOff = true;
    this.#end ??= end;
    resetWhenShut(this.#accepted);
  }

  /** What has arrived still reaches the application, if it is complete. */
  #breakOffAfterFlush(end: FlowEnd): void {
    if (!this.#eofReceived) this.#breakOff(end);
    else if (this.#end === undefined) {
      this.#end = end;
      resetWhenTaken(this.#accepted, () => this.#breakOff(end));
    }
  }
}

function closedByDestination(detail: string): FlowEnd {
  return { kind: 'reset', by: 'destination', detail };
}
