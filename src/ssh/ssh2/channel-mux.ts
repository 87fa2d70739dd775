import type { Socket } from 'node:net';
import type { Endpoint, HostPort } from '../../net/endpoint.ts';
import type { KeyOptions } from '../key-options.ts';
import { type FlowEnd, type FlowProgress, type FlowSummary, startFlowProgress } from '../transport.ts';
import { Channel } from './channel.ts';
import type { ChannelOptions, ChannelOwner, OwnedChannel } from './channel-owner.ts';
import { type ChannelWire, type ChannelWireEvents, FIRST_LOCAL_ID, LAST_LOCAL_ID } from './channel-wire.ts';
import { PathMonitor } from './path-monitor.ts';
import { ReceiveBudget } from './receive-budget.ts';
import { MAX_PACKET_BYTES } from './receive-window.ts';
import { refusalOf } from './refusal.ts';
import { type Sender, SendScheduler } from './send-scheduler.ts';

/** What arrives for one channel together is at most so many messages. */
const MAX_PIECES = 64;

/**
 * All direct-tcpip channels of one ssh connection: gives out ids and hands messages to their channel; what may be under
 * way is decided by the budget (down) and the scheduler (up), which learn from the path monitor. Messages for an id that
 * is not in use are ignored.
 */
export class ChannelMux implements ChannelOwner, ChannelWireEvents {
  readonly wire: ChannelWire;
  readonly budget = new ReceiveBudget();
  readonly #scheduler: SendScheduler;
  readonly #monitor: PathMonitor;
  /** By id, until both sides have closed the channel. */
  readonly #channels = new Map<number, Channel>();
  /** Until the accepted socket is closed; the application may outlive the channel, and the channel the application. */
  readonly #flows = new Set<OwnedChannel>();
  readonly #keyOptions: () => readonly KeyOptions[];
  /** Consecutive data of one channel, which its application gets in one go. */
  #arrived: Buffer[] = [];
  #arrivedBytes = 0;
  #arrivedFor = 0;
  #receivedBytes = 0;
  #nextLocalId = FIRST_LOCAL_ID;
  /** How flows end that come when there is no connection any more. */
  #end: FlowEnd | undefined;

  /**
   * @param attach makes the wire that reports to the given events
   * @param keyOptions of the keys that let us in: evidence of why a channel is prohibited
   */
  constructor(
    attach: (events: ChannelWireEvents) => ChannelWire,
    keyOptions: () => readonly KeyOptions[] = () => [],
  ) {
    this.#keyOptions = keyOptions;
    this.wire = attach(this);
    const monitor = new PathMonitor(
      {
        nowMs: () => performance.now(),
        ping: (onReply) => this.wire.ping(onReply),
        tcpPath: () => this.wire.tcpPath(),
      },
      {
        onPing: () => this.#scheduler.mark(),
        onReply: (mark) => this.#scheduler.onArrived(mark),
        onRound: (round) => {
          this.budget.onRound(round);
          this.#scheduler.onRound(round);
        },
      },
    );
    this.#monitor = monitor;
    this.#scheduler = new SendScheduler(this.wire, monitor);
    // Measures the path while nothing queues on it.
    monitor.activity();
  }

  /** How many ids are in use. */
  get size(): number {
    return this.#channels.size;
  }

  /** Payload bytes moved in both directions since the start. */
  get movedBytes(): number {
    return this.#receivedBytes + this.#scheduler.sentBytes;
  }

  /** What the way to the bastion and back took when it was last measured, in ms; undefined before. */
  get roundTripMs(): number | undefined {
    return this.#monitor.roundTripMs;
  }

  /** See `Transport.carry`. */
  carry(
    accepted: Socket,
    destination: HostPort,
    originator: Endpoint,
    progress: FlowProgress = startFlowProgress(),
    options: ChannelOptions = {},
  ): Promise<FlowSummary> {
    const end = this.#end ?? endOfDestroyed(accepted);
    if (end !== undefined) {
      if (end.kind === 'bastion-lost' && options.giveBackWhenLost === true) {
        return Promise.resolve({ end, bytesUp: 0, bytesDown: 0, isGivenBack: true });
      }
      accepted.resetAndDestroy();
      return Promise.resolve({ end, bytesUp: 0, bytesDown: 0 });
    }
    return new Promise((onOver) => {
      const localId = this.#takeLocalId();
      const channel = new Channel(localId, accepted, this, onOver, progress, options);
      this.#channels.set(localId, channel);
      this.#flows.add(channel);
      this.wire.open(localId, channel.initialWindowBytes, MAX_PACKET_BYTES, destination, originator);
    });
  }

  /** Ends every flow because we end the connection. */
  abortAll(detail: string): void {
    this.#end = { kind: 'aborted', detail };
    this.onReadEnd();
    for (const channel of [...this.#flows]) channel.abort(detail);
  }

  /** Ends every flow that still needs the connection, because it is gone. */
  connectionLost(): void {
    this.#end ??= { kind: 'bastion-lost' };
    this.onReadEnd();
    this.#monitor.stop();
    for (const channel of [...this.#channels.values()]) channel.connectionLost();
  }

  enqueue(sender: Sender): void {
    this.#monitor.activity();
    this.#scheduler.enqueue(sender);
  }

  forget(channel: OwnedChannel): void {
    this.#channels.delete(channel.localId);
    this.#scheduler.forget(channel.upload);
  }

  flowIsOver(channel: OwnedChannel): void {
    this.#flows.delete(channel);
  }

  onConfirmation(localId: number, remoteId: number, windowBytes: number, packetBytes: number): void {
    this.#channels.get(localId)?.confirmed(remoteId, windowBytes, packetBytes);
  }

  onFailure(localId: number, reasonCode: number, description: string): void {
    const refusal = refusalOf(reasonCode, description);
    const keyOptions = refusal.reason === 'prohibited' ? this.#keyOptions() : [];
    this.#channels.get(localId)?.refused(keyOptions.length > 0 ? { ...refusal, keyOptions } : refusal);
  }

  onData(localId: number, bytes: Buffer): void {
    if (localId !== this.#arrivedFor || this.#arrived.length === MAX_PIECES) this.onReadEnd();
    this.#arrivedFor = localId;
    this.#arrived.push(bytes);
    this.#arrivedBytes += bytes.length;
  }

  onReadEnd(): void {
    this.#deliver(false);
  }

  /** @param isLast EOF of the same channel is next */
  #deliver(isLast: boolean): void {
    if (this.#arrived.length === 0) return;
    const pieces = this.#arrived;
    const bytes = this.#arrivedBytes;
    this.#arrived = [];
    this.#arrivedBytes = 0;
    this.#monitor.activity();
    this.#receivedBytes += bytes;
    this.#channels.get(this.#arrivedFor)?.received(pieces, bytes, isLast);
  }

  onWindowAdjust(localId: number, bytes: number): void {
    this.#channels.get(localId)?.upload.windowAdjusted(bytes);
  }

  onEof(localId: number): void {
    this.#deliver(localId === this.#arrivedFor);
    this.#channels.get(localId)?.eofReceived();
  }

  onClose(localId: number): void {
    this.onReadEnd();
    this.#channels.get(localId)?.closeReceived();
  }

  onRequest(localId: number, wantReply: boolean): void {
    this.#channels.get(localId)?.requested(wantReply);
  }

  onWritable(): void {
    this.#scheduler.run();
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

/** An application that went before its flow began. */
function endOfDestroyed(accepted: Socket): FlowEnd | undefined {
  return accepted.destroyed
    ? { kind: 'reset', by: 'application', detail: 'closed before it was carried' }
    : undefined;
}
