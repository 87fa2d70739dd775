import type { PeerConduct } from '../peer-conduct.ts';
import type { ChannelWire, SessionProgram } from './channel-wire.ts';
import { MAX_PACKET_BYTES } from './flow-control/receive-window.ts';
import {
  SESSION_WINDOW_BYTES,
  SessionChannel,
  type SessionListener,
  type SessionOwner,
} from './session-channel.ts';

/**
 * The sessions of one connection, one or two, and with them every message that is for no flow: where it is for no session either,
 * it is of no use, and there may not be many of these.
 */
export class Sessions implements SessionOwner {
  readonly wire: ChannelWire;
  readonly conduct: PeerConduct;
  /** By id, until both sides have closed the channel. */
  readonly #sessions = new Map<number, SessionChannel>();

  constructor(wire: ChannelWire, conduct: PeerConduct) {
    this.wire = wire;
    this.conduct = conduct;
  }

  /** Whether a session has this id. */
  has(localId: number): boolean {
    return this.#sessions.has(localId);
  }

  /** Runs a program on the bastion, if that may be; see {@link SESSION_WINDOW_BYTES}. */
  open(localId: number, program: SessionProgram, listener: SessionListener): SessionChannel {
    const session = new SessionChannel(localId, this, program, listener);
    this.#sessions.set(localId, session);
    this.wire.openSession(localId, SESSION_WINDOW_BYTES, MAX_PACKET_BYTES);
    return session;
  }

  /** Whose message it is; undefined, and counted, where it is nobody's. */
  find(localId: number): SessionChannel | undefined {
    const session = this.#sessions.get(localId);
    if (session === undefined) this.conduct.uselessMessage();
    return session;
  }

  /** The connection is gone. */
  connectionLost(): void {
    for (const session of [...this.#sessions.values()]) session.connectionLost();
  }

  forget({ localId }: SessionChannel): void {
    this.#sessions.delete(localId);
  }
}
