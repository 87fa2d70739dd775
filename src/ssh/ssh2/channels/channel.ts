import type { Socket } from 'node:net';
import { type Flow, markOpen } from '../../../net/flow.ts';
import { reuseReadBuffer } from '../../../net/sockets/read-buffer.ts';
import { resetWhenShut, resetWhenTaken } from '../../../net/sockets/reset-when-taken.ts';
import { type FlowEnd, type FlowSummary, notOpened, type Refusal } from '../../transport.ts';
import {
  type ApplicationListener,
  listenToApplication,
  stopListeningToApplication,
} from './application-events.ts';
import { type ChannelOwner, closedByDestination, type OwnedChannel, type SshSide } from './channel-owner.ts';
import { Download } from './download.ts';
import { refusalOf } from './refusal.ts';
import { Upload, type UploadListener } from './upload.ts';

/**
 * One channel to a destination joined to one accepted socket.
 *
 *     opening ──confirmation──> open ──CLOSE sent──> closing ──CLOSE received──> closed
 *        │                        └──────────CLOSE received, answered──────────────^
 *        └──failure───────────────────────────────────────────────────────────────^
 *
 * Independently of that, each direction ends once: the application's FIN becomes EOF after all its bytes are sent, the
 * destination's EOF becomes a FIN after all its bytes are written. The flow is over when the accepted socket is closed;
 * its id is free when the ssh side is closed. An end that the application must not take for a success is a reset.
 */
export class Channel implements OwnedChannel, ApplicationListener, UploadListener {
  readonly localId: number;
  readonly #accepted: Socket;
  readonly #owner: ChannelOwner;
  readonly #onOver: (summary: FlowSummary) => void;
  readonly #flow: Flow;

  #ssh: SshSide = { kind: 'opening' };
  /** The first cause of the end, once there is one. */
  #end: FlowEnd | undefined;
  /** The accepted socket is being reset, which may have to wait for a tick. */
  #isBreakingOff = false;
  /** The accepted socket is closed, or the caller's again. */
  #isOver = false;

  /** Application to destination. */
  readonly upload: Upload;
  /** Destination to application. */
  readonly #download: Download;

  /**
   * Owns the accepted socket once the channel is open. `onOver` is called once: when the socket is closed, or is the caller's because the
   * channel was not opened.
   */
  constructor(localId: number, flow: Flow, owner: ChannelOwner, onOver: (summary: FlowSummary) => void) {
    const { accepted } = flow;
    this.localId = localId;
    this.#accepted = accepted;
    this.#owner = owner;
    this.#onOver = onOver;
    this.#flow = flow;
    this.#download = new Download(accepted, owner, flow);
    this.upload = new Upload(accepted, owner, flow, this);
    listenToApplication(accepted, this);
  }

  /** The window to open the channel with, in bytes. */
  get initialWindowBytes(): number {
    return this.#download.initialWindowBytes;
  }

  /** The channel is open: data may flow both ways. */
  confirmed(remoteId: number, windowBytes: number, packetBytes: number): void {
    if (!this.#isOpening()) return;
    this.#ssh = { kind: 'open', remoteId };
    if (this.#isOver) {
      this.#sendClose();
    } else {
      markOpen(this.#flow);
      reuseReadBuffer(this.#accepted);
      this.#download.open(remoteId);
      this.upload.open(remoteId, windowBytes, packetBytes);
      this.#flow.onOpen?.();
    }
  }

  /** The bastion did not open the channel. */
  refused(refusal: Refusal): void {
    if (!this.#isOpening()) return;
    this.#sshClosed();
    this.#notOpened(refusal);
  }

  /** Data for the application, valid during the call; after the last EOF is next. */
  received(pieces: readonly Buffer[], bytes: number, isLast: boolean): void {
    if (this.#download.received(pieces, bytes, isLast)) return;
    if (this.#ssh.kind === 'open') this.abort('the bastion sent more than its window allows');
    else this.#owner.conduct.violated('it sent more to a channel than its window allows');
  }

  /** The application's data may be more by so much. */
  windowAdjusted(bytes: number): void {
    if (!this.upload.windowAdjusted(bytes)) this.#owner.conduct.uselessMessage();
  }

  /** The destination has sent all it had. */
  eofReceived(): void {
    if (this.#download.eofReceived) this.#owner.conduct.uselessMessage();
    this.#download.ended();
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
    if (!this.#download.eofReceived) {
      this.#breakOff(closedByDestination('closed before its end of data'));
    } else if (this.upload.isPending) {
      this.#breakOffAfterFlush(closedByDestination('closed before it took all data'));
    }
    // Else, as with TCP, the application has its FIN, and is reset only if it goes on sending.
  }

  /** A channel request: there is none that a direct-tcpip channel could grant. */
  requested(wantReply: boolean): void {
    this.#owner.conduct.uselessMessage();
    if (wantReply && this.#ssh.kind === 'open') this.#owner.wire.requestFailure(this.#ssh.remoteId);
  }

  /** The ssh connection is gone. */
  connectionLost(): void {
    const wasOpening = this.#ssh.kind === 'opening';
    this.#sshClosed();
    if (wasOpening) this.#notOpened({ kind: 'bastion-lost' });
    // What is complete needs the connection no more: a slow reader may take the rest.
    else if (!this.#download.eofReceived || !this.upload.eofSent) this.#breakOff({ kind: 'bastion-lost' });
  }

  /** Ends the flow; the application of one that is open sees a reset. */
  abort(detail: string): void {
    const end: FlowEnd = { kind: 'aborted', detail };
    if (this.#ssh.kind === 'opening') this.#notOpened(end);
    else this.#breakOff(end);
    this.#sendClose();
  }

  applicationSent(bytes: Buffer): void {
    if (this.#ssh.kind !== 'open') {
      this.#accepted.pause();
      this.#breakOffAfterFlush(closedByDestination('closed while the application was sending'));
      return;
    }
    this.upload.sent(bytes);
  }

  applicationFinished(): void {
    this.upload.finished();
    this.#download.applicationEnded();
  }

  applicationFailed(detail: string): void {
    this.#end ??= { kind: 'reset', by: 'application', detail };
  }

  acceptedClosed(): void {
    this.#isOver = true;
    if (this.upload.applicationEnded) {
      // An application that has sent everything and is gone: what it sent still arrives.
      this.#closeWhenBothEnded();
    } else {
      this.upload.drop();
      this.#sendClose();
    }
    this.#end ??= { kind: 'eof' };
    const { bytesUp, bytesDown } = this.#flow;
    this.#owner.flowIsOver(this);
    this.#onOver({ end: this.#end, bytesUp, bytesDown });
  }

  uploadEnded(): void {
    this.#closeWhenBothEnded();
  }

  #isOpening(): boolean {
    if (this.#ssh.kind !== 'opening') this.#owner.conduct.uselessMessage();
    return this.#ssh.kind === 'opening';
  }

  #closeWhenBothEnded(): void {
    if (this.upload.eofSent && (this.#download.eofReceived || this.#isOver)) this.#sendClose();
  }

  #sendClose(): void {
    if (this.#ssh.kind !== 'open') return;
    const { remoteId } = this.#ssh;
    this.#ssh = { kind: 'closing' };
    this.upload.stop();
    this.#download.stop();
    this.#owner.wire.close(remoteId);
  }

  #sshClosed(): void {
    this.#ssh = { kind: 'closed' };
    this.upload.stop();
    this.#download.stop();
    this.#owner.forget(this);
  }

  /** Gives the accepted socket back, paused and unread: its application has noticed nothing yet. */
  #notOpened(end: FlowEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    stopListeningToApplication(this.#accepted);
    this.#owner.flowIsOver(this);
    this.#onOver(notOpened(end));
  }

  #breakOff(end: FlowEnd): void {
    if (this.#isOver || this.#isBreakingOff) return;
    this.#isBreakingOff = true;
    this.#end ??= end;
    resetWhenShut(this.#accepted);
  }

  /** What has arrived still reaches the application, if it is complete. */
  #breakOffAfterFlush(end: FlowEnd): void {
    if (!this.#download.eofReceived) this.#breakOff(end);
    else if (this.#end === undefined) {
      this.#end = end;
      resetWhenTaken(this.#accepted, () => this.#breakOff(end));
    }
  }
}
