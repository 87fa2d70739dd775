import type { Refusal } from '../../transport.ts';
import type { PeerConduct } from '../peer-conduct.ts';
import type { ChannelWire, SessionProgram } from './channel-wire.ts';

/**
 * All that a session may ever send, unless it is a stream: its window is never granted anew, so that whatever the bastion runs in its place can neither
 * fill memory nor keep us busy.
 */
export const SESSION_WINDOW_BYTES = 256 * 1024;

/** More than any program here says; it is closed then. */
const MAX_SAID_BYTES = 128 * 1024;

/** RFC 4254 section 5.2. */
const MAX_WINDOW_BYTES = 2 ** 32 - 1;

/** More than any program here is sent at once. */
const MAX_PENDING_BYTES = 64 * 1024;

/** The most that is offered at once: a datagram. */
const MAX_OFFERED_BYTES = 64 * 1024;

const NOTHING = Buffer.alloc(0);

/** With so much to send to the bastion already, what is offered is not taken. */
const MAX_QUEUED_BYTES = 256 * 1024;

/** Events of a session. */
export interface SessionListener {
  /** Its program may say as much as it likes, which is taken at once: its window is granted anew. */
  readonly isStream?: boolean;
  /** The bastion says that it runs the program. */
  sessionStarted?(): void;
  /** Standard output, valid during the call. */
  sessionSaid?(bytes: Buffer): void;
  /** The last call. `why` is for people; undefined where the program has just ended. */
  sessionOver(why: string | undefined): void;
}

/** The multiplexer, as its sessions see it. */
export interface SessionOwner {
  readonly wire: ChannelWire;
  readonly conduct: PeerConduct;
  /** Its id may be given out again. */
  forget(session: SessionChannel): void;
}

type State =
  | { readonly kind: 'opening' }
  /** The program is asked for. */
  | { readonly kind: 'starting' | 'running'; readonly remoteId: number }
  /** We have sent CLOSE. */
  | { readonly kind: 'closing' }
  | { readonly kind: 'closed' };

/**
 * One session of ours that runs a program, which says little unless it is a stream.
 *
 *     opening ──confirmation──> starting ──success──> running ──CLOSE, either way──> closed
 *        └──failure──> closed      └──failure, CLOSE──> closed
 */
export class SessionChannel {
  readonly localId: number;
  readonly #owner: SessionOwner;
  readonly #program: SessionProgram;
  readonly #listener: SessionListener;
  #state: State = { kind: 'opening' };
  #isOver = false;
  /** What the bastion may still send. */
  #receivableBytes = SESSION_WINDOW_BYTES;
  #sendableBytes = 0;
  #maxPacketBytes = 0;
  #pending: Buffer = NOTHING;
  #isInputEnded = false;
  /** Messages of data for which the bastion has not granted anything yet. */
  #ungranted = 0;
  #isEofSent = false;

  /** The channel is to be opened by the owner, with {@link SESSION_WINDOW_BYTES}. */
  constructor(localId: number, owner: SessionOwner, program: SessionProgram, listener: SessionListener) {
    this.localId = localId;
    this.#owner = owner;
    this.#program = program;
    this.#listener = listener;
  }

  /** Sends to the program's standard input, as the bastion's window allows. */
  send(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    if (this.#pending.length > MAX_PENDING_BYTES + MAX_OFFERED_BYTES)
      this.close('it does not take what it is sent');
    else this.#flush();
  }

  /** Sends all of it, or nothing where there is much to send already. @returns whether it is sent */
  offer(bytes: Buffer): boolean {
    const { wire } = this.#owner;
    // What must be sent has its room for itself.
    const isFull = this.#pending.length > 0 || wire.queuedBytes() >= MAX_QUEUED_BYTES;
    if (this.#state.kind !== 'running' || isFull || !wire.isOpenForData()) return false;
    this.#pending = Buffer.concat([this.#pending, bytes]);
    this.#flush();
    return true;
  }

  /** Ends the program's standard input, after what was sent. */
  endInput(): void {
    this.#isInputEnded = true;
    this.#flush();
  }

  /** Ends the session: with CLOSE, or as soon as it is open. */
  close(why: string | undefined): void {
    const isOpen = this.#state.kind === 'starting' || this.#state.kind === 'running';
    if (isOpen) this.#sendClose();
    this.#over(why);
  }

  confirmed(remoteId: number, windowBytes: number, packetBytes: number): void {
    if (!this.#isAwaited('opening')) return;
    this.#state = { kind: 'starting', remoteId };
    this.#sendableBytes = windowBytes;
    this.#maxPacketBytes = packetBytes;
    if (this.#isOver) this.#sendClose();
    else if (packetBytes === 0) this.close('it takes no packet of any size');
    else this.#owner.wire.startProgram(remoteId, this.#program);
  }

  refused({ description, reason }: Refusal): void {
    if (!this.#isAwaited('opening')) return;
    this.#closed();
    this.#over(description === '' ? reason : description);
  }

  /** The answer to our request for the program. */
  answered(isSuccess: boolean): void {
    const state = this.#state;
    if (state.kind !== 'starting') {
      this.#owner.conduct.uselessMessage();
      return;
    }
    if (!isSuccess) {
      const program = this.#program;
      this.close(program.kind === 'exec' ? 'it runs no command' : `it has no ${program.name}`);
      return;
    }
    this.#state = { kind: 'running', remoteId: state.remoteId };
    this.#listener.sessionStarted?.();
    this.#flush();
  }

  /** @param isOutput of the program's standard output; else standard error, which only counts */
  received(bytes: Buffer, isOutput: boolean): void {
    this.#receivableBytes -= bytes.length;
    if (this.#receivableBytes < 0) {
      this.#owner.conduct.violated('it sent more to a session than its window allows');
    } else if (bytes.length === 0) {
      this.#owner.conduct.uselessMessage();
    } else if (this.#listener.isStream === true) {
      if (isOutput && !this.#isOver) this.#listener.sessionSaid?.(bytes);
      this.#grant();
    } else if (this.#receivableBytes < SESSION_WINDOW_BYTES - MAX_SAID_BYTES) {
      // Else it would wait for ever for a larger window.
      this.close('it says too much');
    } else if (isOutput && !this.#isOver) {
      this.#listener.sessionSaid?.(bytes);
    }
  }

  windowAdjusted(bytes: number): void {
    // No server grants more often than it receives. Others are sent so little that all that they grant is of no use.
    if (this.#listener.isStream === true && this.#ungranted > 0) this.#ungranted -= 1;
    else this.#owner.conduct.uselessMessage();
    this.#sendableBytes = Math.min(this.#sendableBytes + bytes, MAX_WINDOW_BYTES);
    this.#flush();
  }

  /** The end of its output: it says what it has said. */
  eofReceived(): void {
    this.#owner.conduct.uselessMessage();
  }

  /** Its exit status, or something that is not granted: a few at most. */
  requested(wantReply: boolean): void {
    this.#owner.conduct.uselessMessage();
    if (!wantReply) return;
    const state = this.#state;
    if (state.kind === 'starting' || state.kind === 'running') {
      this.#owner.wire.requestFailure(state.remoteId);
    }
  }

  closeReceived(): void {
    if (this.#state.kind === 'starting' || this.#state.kind === 'running') this.#sendClose();
    this.#closed();
    this.#over(undefined);
  }

  connectionLost(): void {
    this.#closed();
    this.#over('the connection ended');
  }

  #isAwaited(kind: State['kind']): boolean {
    if (this.#state.kind !== kind) this.#owner.conduct.uselessMessage();
    return this.#state.kind === kind;
  }

  #flush(): void {
    if (this.#state.kind !== 'running') return;
    const { remoteId } = this.#state;
    const { wire } = this.#owner;
    while (this.#pending.length > 0 && this.#sendableBytes > 0) {
      const bytes = Math.min(this.#pending.length, this.#sendableBytes, this.#maxPacketBytes);
      wire.data(remoteId, this.#pending.subarray(0, bytes));
      this.#ungranted += 1;
      this.#pending = this.#pending.subarray(bytes);
      this.#sendableBytes -= bytes;
    }
    if (!this.#isInputEnded || this.#isEofSent || this.#pending.length > 0) return;
    this.#isEofSent = true;
    wire.eof(remoteId);
  }

  #grant(): void {
    const state = this.#state;
    if (state.kind !== 'running' || this.#receivableBytes > SESSION_WINDOW_BYTES / 2) return;
    this.#owner.wire.windowAdjust(state.remoteId, SESSION_WINDOW_BYTES - this.#receivableBytes);
    this.#receivableBytes = SESSION_WINDOW_BYTES;
  }

  #sendClose(): void {
    const state = this.#state;
    if (state.kind !== 'starting' && state.kind !== 'running') return;
    this.#state = { kind: 'closing' };
    this.#owner.wire.close(state.remoteId);
  }

  #closed(): void {
    this.#state = { kind: 'closed' };
    this.#owner.forget(this);
  }

  #over(why: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pending = NOTHING;
    this.#listener.sessionOver(why);
  }
}
