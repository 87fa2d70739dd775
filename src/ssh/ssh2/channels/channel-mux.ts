import type { Socket } from 'node:net';
import type { Flow } from '../../../net/flow.ts';
import type { KeyOptions } from '../../key-options.ts';
import { type FlowEnd, type FlowSummary, notOpened } from '../../transport.ts';
import { PeerConduct } from '../peer-conduct.ts';
import { Channel } from './channel.ts';
import type { ChannelOwner, OwnedChannel } from './channel-owner.ts';
import {
  type ChannelWire,
  type ChannelWireEvents,
  FIRST_LOCAL_ID,
  localIdAfter,
  type SessionProgram,
} from './channel-wire.ts';
import { PathMonitor } from './flow-control/path-monitor.ts';
import { ReceiveBudget } from './flow-control/receive-budget.ts';
import { MAX_PACKET_BYTES } from './flow-control/receive-window.ts';
import { type Sender, SendScheduler } from './flow-control/send-scheduler.ts';
import { refusalOf } from './refusal.ts';
import type { SessionChannel, SessionListener } from './session-channel.ts';
import { Sessions } from './sessions.ts';

/** What arrives for one channel together is at most so many messages. */
const MAX_PIECES = 64;

/**
 * All channels of one ssh connection: gives out ids and hands messages to their channel; what may be under way is decided by
 * the budget (down) and the scheduler (up), which learn from the path monitor. Messages for an id that is not in use are
 * ignored, but not without end.
 */
export class ChannelMux implements ChannelOwner, ChannelWireEvents {
  readonly wire: ChannelWire;
  readonly budget = new ReceiveBudget();
  readonly conduct: PeerConduct;
  readonly #scheduler: SendScheduler;
  readonly #monitor: PathMonitor;
  /** By id, until both sides have closed the channel. */
  readonly #channels = new Map<number, Channel>();
  /** Until the accepted socket is closed; the application may outlive the channel, and the channel the application. */
  readonly #flows = new Set<OwnedChannel>();
  readonly #keyOptions: () => readonly KeyOptions[];
  readonly #sessions: Sessions;
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
   * @param onViolated called, perhaps more than once, when the bastion does not keep to the protocol: the connection must be closed
   */
  constructor(
    attach: (events: ChannelWireEvents) => ChannelWire,
    keyOptions: () => readonly KeyOptions[] = () => [],
    onViolated: (how: string) => void = () => {},
  ) {
    this.#keyOptions = keyOptions;
    this.conduct = new PeerConduct(onViolated);
    this.wire = attach(this);
    this.#sessions = new Sessions(this.wire, this.conduct);
    this.#monitor = new PathMonitor(
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
    this.#scheduler = new SendScheduler(this.wire, this.#monitor);
    // Measures the path while nothing queues on it.
    this.#monitor.activity();
  }

  /** How many ids of flows are in use. */
  get size(): number {
    return this.#channels.size;
  }

  /** Payload bytes moved in both directions since the start. */
  get movedBytes(): number {
    return this.#receivedBytes + this.#scheduler.sentBytes;
  }

  /** The latest round trip time to the bastion, in ms; undefined before the first measurement. */
  get roundTripMs(): number | undefined {
    return this.#monitor.roundTripMs;
  }

  /** See `Transport.carry`. */
  carry(flow: Flow): Promise<FlowSummary> {
    const end = this.#end ?? endOfDestroyed(flow.accepted);
    if (end !== undefined) return Promise.resolve(notOpened(end));
    return new Promise((onOver) => {
      const localId = this.#takeLocalId();
      const channel = new Channel(localId, flow, this, onOver);
      this.#channels.set(localId, channel);
      this.#flows.add(channel);
      this.wire.open(localId, channel.initialWindowBytes, MAX_PACKET_BYTES, flow.target, flow.originator);
    });
  }

  /** Runs a program on the bastion, if that may be; see {@link Sessions.open}. */
  openSession(program: SessionProgram, listener: SessionListener): SessionChannel {
    return this.#sessions.open(this.#takeLocalId(), program, listener);
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
    this.#sessions.connectionLost();
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
    this.#find(localId)?.confirmed(remoteId, windowBytes, packetBytes);
  }

  onFailure(localId: number, reasonCode: number, description: string): void {
    const refusal = refusalOf(reasonCode, description);
    const keyOptions = refusal.reason === 'prohibited' ? this.#keyOptions() : [];
    this.#find(localId)?.refused(keyOptions.length > 0 ? { ...refusal, keyOptions } : refusal);
  }

  onData(localId: number, bytes: Buffer): void {
    if (localId !== this.#arrivedFor || this.#arrived.length === MAX_PIECES) this.onReadEnd();
    this.#arrivedFor = localId;
    this.#arrived.push(bytes);
    this.#arrivedBytes += bytes.length;
  }

  onExtendedData(localId: number, bytes: Buffer): void {
    this.onReadEnd();
    this.#sessions.find(localId)?.received(bytes, false);
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
    const channel = this.#channels.get(this.#arrivedFor);
    if (channel === undefined || bytes === 0) {
      for (const piece of pieces) this.#sessions.find(this.#arrivedFor)?.received(piece, true);
      return;
    }
    this.#monitor.activity();
    this.#receivedBytes += bytes;
    channel.received(pieces, bytes, isLast);
  }

  onWindowAdjust(localId: number, bytes: number): void {
    this.#find(localId)?.windowAdjusted(bytes);
  }

  onEof(localId: number): void {
    this.#deliver(localId === this.#arrivedFor);
    this.#find(localId)?.eofReceived();
  }

  onClose(localId: number): void {
    this.onReadEnd();
    this.#find(localId)?.closeReceived();
  }

  onRequest(localId: number, wantReply: boolean): void {
    this.#find(localId)?.requested(wantReply);
  }

  onRequestAnswer(localId: number, isSuccess: boolean): void {
    this.#sessions.find(localId)?.answered(isSuccess);
  }

  #find(localId: number): Channel | SessionChannel | undefined {
    return this.#channels.get(localId) ?? this.#sessions.find(localId);
  }

  onWritable(): void {
    this.#scheduler.run();
  }

  #takeLocalId(): number {
    // Ids of long flows may still be in use when the range comes round.
    while (this.#channels.has(this.#nextLocalId) || this.#sessions.has(this.#nextLocalId)) {
      this.#nextLocalId = localIdAfter(this.#nextLocalId);
    }
    const localId = this.#nextLocalId;
    this.#nextLocalId = localIdAfter(localId);
    return localId;
  }
}

/** An application that went before its flow began. */
function endOfDestroyed(accepted: Socket): FlowEnd | undefined {
  return accepted.destroyed
    ? { kind: 'reset', by: 'application', detail: 'closed before it was carried' }
    : undefined;
}
