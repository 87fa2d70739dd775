import type { PathRound } from './path-monitor.ts';
import { WindowRule } from './window-rule.ts';

/** The queue that uploads may make, as a share of a round trip. Larger than for downloads: it is also the sender's ramp. */
const QUEUE_SHARE = 0.5;

/** On slow uplinks some packets take longer than a share of a round trip; with less they are not filled. */
const SLACK_BYTES = 24 * 1024;
const MIN_IN_FLIGHT_BYTES = 32 * 1024;

/** The start is TCP's, whose congestion control is on our side here: until a queue shows, nothing else holds it back. */
const INITIAL_IN_FLIGHT_BYTES = 1024 * 1024;
const BOUND_AT_START = 4;

/** What a packet costs beside its payload: header, padding, authentication tag. */
const PACKET_OVERHEAD_BYTES = 40;

/** A channel that sent less than this lately is interactive, or new, and goes first. */
const INTERACTIVE_BYTES = 64 * 1024;

/** Interactive packets in a row while bulk waits; then one of bulk, so that it never starves. */
const INTERACTIVE_TURNS = 8;

/**
 * The least that may wait in our queue and unsent in the kernel. The connection's socket has it for its high-water mark, so
 * that 'drain' follows whenever it was reached.
 */
export const MIN_QUEUE_BYTES = 8 * 1024;

/** What may wait is two milliseconds of the path's rate, up to this; then everybody waits. */
const QUEUE_MS = 2;
const MAX_QUEUE_BYTES = 1024 * 1024;

/**
 * A packet has at most this share of what may wait. All limits are kept to within a packet, and one of 32 KiB is 26 ms of
 * a 10 Mbit/s uplink (native-notes/window-rule.md).
 */
const PACKET_SHARE = 0.5;

/** After so much in a row, other sockets have their turn: small requests would wait for it. */
const ROW_BYTES = 128 * 1024;

/** A round in which so much of the in-flight limit was used shows that it was the limit. */
const LIMITED_USE = 0.5;

/** A channel that takes its turn. */
export interface Sender {
  /** Payload bytes sent lately, halved every second; `nowMs` is of the clock of performance.now(). */
  recentlySentBytes(nowMs: number): number;
  /** Sends one packet of at most so many payload bytes; returns how many, 0 when the channel's window is used up or nothing is left. */
  sendPacket(nowMs: number, maxBytes: number): number;
  /** Whether another turn is wanted now. */
  wantsTurn(): boolean;
}

/** The connection that the scheduler fills. */
export interface SendTarget {
  /** Whether channel data may be sent at all: not while keys are exchanged. */
  isOpenForData(): boolean;
  /** Bytes that wait in the process. */
  queuedBytes(): number;
  /** Gives the kernel what was sent so far, which otherwise waits for more; false when nothing does. */
  flush(): boolean;
  /** Whether {@link SendScheduler.run} will be called once what waits in the process has left: of a short queue nothing tells. */
  tellsWhenDrained(): boolean;
  /** Calls back once other sockets have had their turn. */
  afterOthers(callback: () => void): void;
  /** Sets how much may wait unsent in the kernel. */
  limitUnsent(bytes: number): void;
}

/** The answers of the bastion, each of which tells what has arrived ({@link SendScheduler.onArrived}): bulk waits for them. */
export interface Answers {
  /** Several shall be on their way. */
  expectSoon(): void;
  /** One shall be on its way, at least. */
  expectAny(): void;
}

/**
 * Decides which channel sends next, and when: small and new flows first, bulk in turns of one packet, and bulk only while
 * the queues are short, in the process, in the kernel and, by the in-flight limit, in the path.
 */
export class SendScheduler {
  readonly #target: SendTarget;
  readonly #answers: Answers;
  readonly #rule = new WindowRule({
    queueShare: QUEUE_SHARE,
    slackBytes: SLACK_BYTES,
    initialBytes: INITIAL_IN_FLIGHT_BYTES,
    minBytes: MIN_IN_FLIGHT_BYTES,
    boundAtStart: BOUND_AT_START,
  });
  readonly #interactive = new Set<Sender>();
  readonly #bulk = new Set<Sender>();
  #interactiveTurns = 0;
  #sentBytes = 0;
  #markedBytes = 0;
  #arrivedBytes = 0;
  #arrivedAtRoundBytes = 0;
  #wasLimited = false;
  #queueLimitBytes = MIN_QUEUE_BYTES;
  #isRunDue = false;

  readonly #runWhenDue = (): void => {
    this.#isRunDue = false;
    this.run();
  };

  constructor(target: SendTarget, answers: Answers) {
    this.#target = target;
    this.#answers = answers;
    target.limitUnsent(this.#queueLimitBytes);
  }

  /** What was sent so far, with the packets' own bytes. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** A channel wants to send; it gets its turns until it wants no more. */
  enqueue(sender: Sender): void {
    if (this.#interactive.has(sender) || this.#bulk.has(sender)) return;
    this.#queueOf(sender, performance.now()).add(sender);
    this.run();
  }

  /** Gives turns until the queues are full or nobody wants one, in parts. To be called again when the connection has drained. */
  run(): void {
    const nowMs = performance.now();
    let rowBytes = 0;
    while (this.#target.isOpenForData()) {
      if (rowBytes >= ROW_BYTES) {
        this.#runLater();
        return;
      }
      const queue = this.#nextQueue();
      const sender = queue?.values().next().value;
      if (queue === undefined || sender === undefined) {
        const isAnyHeldUp = this.#interactive.size > 0 || this.#bulk.size > 0;
        // What waits for more to go with may be what holds them up.
        if (isAnyHeldUp && this.#target.flush()) continue;
        if (isAnyHeldUp && !this.#target.tellsWhenDrained()) this.#answers.expectAny();
        return;
      }
      const bytes = sender.sendPacket(nowMs, this.#queueLimitBytes * PACKET_SHARE);
      rowBytes += bytes;
      if (bytes > 0) this.#countSent(bytes + PACKET_OVERHEAD_BYTES);
      const nextQueue = sender.wantsTurn() ? this.#queueOf(sender, nowMs) : undefined;
      if (nextQueue === queue && queue.size === 1) continue;
      queue.delete(sender);
      nextQueue?.add(sender);
    }
  }

  /** A channel is over. */
  forget(sender: Sender): void {
    this.#interactive.delete(sender);
    this.#bulk.delete(sender);
  }

  /** How much was sent so far: goes with a measurement, and comes back by {@link SendScheduler.onArrived}. */
  mark(): number {
    this.#markedBytes = this.#sentBytes;
    return this.#sentBytes;
  }

  /** What was sent up to the mark has arrived. */
  onArrived(mark: number): void {
    this.#arrivedBytes = Math.max(this.#arrivedBytes, mark);
    this.run();
  }

  /** A round trip's time has passed. */
  onRound(round: PathRound): void {
    const rateBytesPerMs = (this.#arrivedBytes - this.#arrivedAtRoundBytes) / round.durationMs;
    this.#arrivedAtRoundBytes = this.#arrivedBytes;
    const isLimited =
      this.#wasLimited && rateBytesPerMs * round.averageRoundTripMs >= LIMITED_USE * this.#rule.bytes;
    this.#wasLimited = false;
    if (isLimited) this.#rule.onLimitedRound(round, rateBytesPerMs);
    else this.#rule.onUnlimitedRound(round, rateBytesPerMs);
    this.#limitQueues(rateBytesPerMs);
    this.run();
  }

  #runLater(): void {
    if (this.#isRunDue) return;
    this.#isRunDue = true;
    this.#target.afterOthers(this.#runWhenDue);
  }

  /** A mark every quarter of what may be in flight: so arrivals are seen while the rest is still on its way. */
  #countSent(bytes: number): void {
    this.#sentBytes += bytes;
    if (this.#sentBytes - this.#markedBytes >= this.#rule.bytes / 4) this.#answers.expectSoon();
  }

  #queueOf(sender: Sender, nowMs: number): Set<Sender> {
    return sender.recentlySentBytes(nowMs) < INTERACTIVE_BYTES ? this.#interactive : this.#bulk;
  }

  /** Whose turn it is; undefined when nobody may send. */
  #nextQueue(): Set<Sender> | undefined {
    if (this.#target.queuedBytes() >= MAX_QUEUE_BYTES) return undefined;
    const bulkMaySend = this.#bulk.size > 0 && this.#bulkMaySend();
    const isInteractiveTurn =
      this.#interactive.size > 0 && !(bulkMaySend && this.#interactiveTurns >= INTERACTIVE_TURNS);
    this.#interactiveTurns = isInteractiveTurn ? this.#interactiveTurns + 1 : 0;
    if (isInteractiveTurn) return this.#interactive;
    return bulkMaySend ? this.#bulk : undefined;
  }

  #bulkMaySend(): boolean {
    if (this.#target.queuedBytes() >= this.#queueLimitBytes) return false;
    if (this.#sentBytes - this.#arrivedBytes < this.#rule.bytes) return true;
    this.#wasLimited = true;
    this.#answers.expectSoon();
    return false;
  }

  #limitQueues(rateBytesPerMs: number): void {
    if (rateBytesPerMs === 0) return;
    const wantedBytes = Math.min(MAX_QUEUE_BYTES, Math.max(MIN_QUEUE_BYTES, rateBytesPerMs * QUEUE_MS));
    // In steps of two, so that the kernel is told only of changes that matter.
    const steppedBytes = 2 ** Math.round(Math.log2(wantedBytes));
    if (steppedBytes === this.#queueLimitBytes) return;
    this.#queueLimitBytes = steppedBytes;
    this.#target.limitUnsent(steppedBytes);
  }
}
