/** More than this is never under way: 2.5 Gbit/s at 100 ms. */
const MAX_WINDOW_BYTES = 32 * 1024 * 1024;

/**
 * Queueing that is accepted on any path, in ms. On loopback and in a data centre the round trip is mostly the time that
 * the programs at both ends take, and a share of it would be no queue at all.
 */
const QUEUE_SLACK_MS = 2;

/** The bound by the rate is never less than this: else a short burst would look like a path that can no more. */
const MIN_BOUND_BYTES = 384 * 1024;

/**
 * What the programs at both ends take beside the path's round trip, in ms: each works on what it has while the other goes on.
 * Without it, both wait for each other where the path takes nothing, on loopback for a tenth of the time.
 */
const PROGRAM_MS = 1;

/**
 * The window is at most so many times what the measured rate needs in a round trip of path and programs. While packets are lost,
 * data waits about one more round trip behind holes, so that a window of 2.5 hardly lets the rate grow.
 */
const BOUND = 2.5;
const BOUND_WHILE_LOSSY = 3;
const BOUND_WHILE_LOSSY_AT_START = 6;

/** After so many rounds without any queue the path may have grown: start again. */
const QUIET_ROUNDS = 8;

/** What one round trip under load has shown. */
export interface Round {
  /** The shortest round trip measured in it, in ms. */
  readonly roundTripMs: number;
  /** The mean of those measured in it, in ms: what waits beside the flow feels. */
  readonly averageRoundTripMs: number;
  /** The shortest round trip of this path, in ms: what it takes without a queue. */
  readonly baseRoundTripMs: number;
  /** TCP's own smoothed round trip, in ms, where the system tells; it does not count what waits behind a hole. */
  readonly tcpRoundTripMs: number | undefined;
  /** Whether packets were lost or reordered within the last three round trips. */
  readonly isLossy: boolean;
}

/**
 * How many bytes may be under way on a path, so that it is full and its queue short.
 *
 * Once per round trip, and only while the window is what limits: W becomes W * (1 + f) / 2 with f = (1 + queueShare) *
 * base / measured round trip. So it grows while the queue is shorter than its share of a round trip and shrinks while it
 * is longer. It doubles at the start, and never exceeds a multiple of what the measured rate needs: data that TCP releases
 * after a hole reads as a burst, and a rule that trusts the rate alone runs away (native-notes/window-rule.md).
 */
export class WindowRule {
  readonly #queueShare: number;
  readonly #slackBytes: number;
  readonly #minBytes: number;
  readonly #boundAtStart: number;
  #bytes: number;
  #isStarting = true;
  #quietRounds = 0;
  #smoothedRate = 0;

  /**
   * @param options `queueShare`: how long the queue may be, as a share of the base round trip; `slackBytes`: what may queue on any
   *   path, since it moves in packets; `boundAtStart`: the window, while it doubles, is at most so many times what the measured
   *   rate needs
   */
  constructor(options: {
    readonly queueShare: number;
    readonly slackBytes: number;
    readonly initialBytes: number;
    readonly minBytes: number;
    readonly boundAtStart: number;
  }) {
    this.#queueShare = options.queueShare;
    this.#slackBytes = options.slackBytes;
    this.#minBytes = options.minBytes;
    this.#boundAtStart = options.boundAtStart;
    this.#bytes = options.initialBytes;
  }

  /** The window, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the window still doubles. */
  get isStarting(): boolean {
    return this.#isStarting;
  }

  /**
   * Takes a round into account in which the window was not the limit: where one that still doubles has more under way than it
   * needs to, and a queue shows, the start is over before the window is filled.
   *
   * @param rate payload moved in it, in bytes per ms
   */
  onUnlimitedRound(round: Round, rate: number): void {
    const { baseRoundTripMs: base } = round;
    const usedBytes = rate * round.averageRoundTripMs;
    if (!this.#isStarting || usedBytes < this.#minBytes || !this.#showsQueue(round)) return;
    this.#isStarting = false;
    this.#smoothedRate = rate;
    const windowBytes = (Math.min(this.#bytes, usedBytes) * this.#wanted(base)) / this.#measured(round);
    this.#bytes = Math.max(this.#minBytes, windowBytes);
  }

  /**
   * Takes a round into account in which the window was the limit.
   *
   * @param rate payload moved in it, in bytes per ms
   */
  onLimitedRound(round: Round, rate: number): void {
    const { baseRoundTripMs: base } = round;
    this.#smoothedRate = this.#smoothedRate === 0 ? rate : 0.7 * this.#smoothedRate + 0.3 * rate;
    const measured = this.#measured(round);
    const wanted = this.#wanted(base);

    if (!this.#isStarting) {
      const factor = wanted / measured;
      this.#bytes *= Math.max(0.7, (1 + factor) / 2);
      const isQuiet = measured < base * 1.03 + 1;
      this.#quietRounds = isQuiet ? this.#quietRounds + 1 : 0;
      if (this.#quietRounds > QUIET_ROUNDS) this.#restart();
    } else if (this.#showsQueue(round)) {
      this.#isStarting = false;
      this.#bytes *= wanted / measured;
    } else {
      this.#bytes *= 2;
    }

    const boundBytes = this.#bound(round.isLossy) * Math.max(rate, this.#smoothedRate) * (base + PROGRAM_MS);
    const most = Math.min(MAX_WINDOW_BYTES, Math.max(MIN_BOUND_BYTES, boundBytes));
    this.#bytes = Math.max(this.#minBytes, Math.min(this.#bytes, most));
  }

  /** The round trip with as much queue as may be. */
  #wanted(baseMs: number): number {
    const slackMs = Math.max(QUEUE_SLACK_MS, this.#slackBytes / this.#smoothedRate);
    return baseMs * (1 + this.#queueShare) + slackMs;
  }

  #showsQueue(round: Round): boolean {
    return this.#measured(round) > round.baseRoundTripMs * 1.2 + QUEUE_SLACK_MS;
  }

  /**
   * The round trip that shows the queue of the path: TCP's own while requests also wait behind holes, or, at the start, for the
   * sender's congestion window.
   */
  #measured({ roundTripMs, averageRoundTripMs, tcpRoundTripMs, isLossy }: Round): number {
    return isLossy || this.#isStarting ? (tcpRoundTripMs ?? roundTripMs) : averageRoundTripMs;
  }

  #bound(isLossy: boolean): number {
    if (!isLossy) return this.#isStarting ? this.#boundAtStart : BOUND;
    return this.#isStarting ? BOUND_WHILE_LOSSY_AT_START : BOUND_WHILE_LOSSY;
  }

  #restart(): void {
    this.#isStarting = true;
    this.#quietRounds = 0;
  }
}
