import type { Socket } from 'node:net';
import type { Endpoint, HostPort } from '../../net/endpoint.ts';
import type { FlowSummary } from '../transport.ts';
import { Channel, type ChannelOwner } from './channel.ts';
import { type ChannelWire, type ChannelWireEvents, FIRST_LOCAL_ID, LAST_LOCAL_ID } from './channel-wire.ts';
import { MAX_PACKET_BYTES, RECEIVE_WINDOW_BYTES } from './receive-window.ts';

/**
 * All direct-tcpip channels of one ssh connection: gives out ids, hands messages to their channel, and takes turns
 * between channels when the connection is full. Messages for an id that is not in use are ignored.
 */
export class ChannelMux implements ChannelOwner, ChannelWireEvents {
  readonly wire: ChannelWire;
  /** By id, until both sides have closed the channel. */
  readonly #channels = new Map<number, Channel>();
  /** Until the accepted socket is closed; the application may outlive the channel, and the channel the application. */
  readonly #flows = new Set<Channel>();
  /** Channels that have data while the wire wants none, in the order in which they get their turn. */
  readonly #waiting = new Set<Channel>();
  #nextLocalId = FIRST_LOCAL_ID;

  /** @param attach makes the wire that reports to the given events */
  constructor(attach: (events: ChannelWireEvents) => ChannelWire) {
    this.wire = attach(this);
  }

  /** How many ids are in use. */
  get size(): number {
    return this.#channels.size;
  }

  /** See `Transport.carry`. */
  carry(accepted: Socket, destination: HostPort, originator: Endpoint): Promise<FlowSummary> {
    return new Promise((resolve) => {
      const localId = this.#takeLocalId();
      const channel = new Channel(localId, accepted, this, (summary) => {
        this.#flows.delete(channel);
        resolve(summary);
      });
      this.#channels.set(localId, channel);
      this.#flows.add(channel);
      this.wire.open(localId, RECEIVE_WINDOW_BYTES, MAX_PACKET_BYTES, destination, originator);
    });
  }

  /** Ends every flow because we end the connection. */
  abortAll(detail: string): void {
    for (const channel of [...this.#flows]) channel.abort(detail);
  }

  /** Ends every flow that still needs the connection, because it is gone. */
  connectionLost(): void {
    for (const channel of [...this.#channels.values()]) channel.connectionLost();
  }

  waitForWire(channel: Channel): void {
    this.#waiting.add(channel);
  }

  forget(channel: Channel): void {
    this.#channels.delete(channel.localId);
    this.#waiting.delete(channel);
  }

  onConfirmation(localId: number, remoteId: number, windowBytes: number, packetBytes: number): void {
    this.#channels.get(localId)?.confirmed(remoteId, windowBytes, packetBytes);
  }

  onFailure(localId: number, reasonCode: number, description: string): void {
    this.#channels.get(localId)?.refused(reasonCode, description);
  }

  onData(localId: number, bytes: Buffer): void {
    this.#channels.get(localId)?.received(bytes);
  }

  onWindowAdjust(localId: number, bytes: number): void {
    this.#channels.get(localId)?.windowAdjusted(bytes);
  }

  onEof(localId: number): void {
    this.#channels.get(localId)?.eofReceived();
  }

  onClose(localId: number): void {
    this.#channels.get(localId)?.closeReceived();
  }

  onRequest(localId: number, wantReply: boolean): void {
    this.#channels.get(localId)?.requested(wantReply);
  }

  onWritable(): void {
    // A channel that still has data afterwards waits again, behind the others.
    for (const channel of [...this.#waiting]) {
      if (!this.wire.isWritable()) return;
      this.#waiting.delete(channel);
      channel.pump();
    }
  }

  #takeLocalId(): number {
    // Ids of long flows may still be in use when the range comes round; flows are far fewer than ids.
    while (this.#channels.has(this.#nextLocalId)) this.#advance();
    const localId = this.#nextLocalId;
    this.#advance();
    return localId;
  }

  #advance(): void {
    this.#nextLocalId = this.#nextLocalId === LAST_LOCAL_ID ? FIRST_LOCAL_ID : this.#nextLocalId + 1;
  }
}
