/** How often the round trip is measured while data moves, in ms: four times a round trip, within these bounds. */
const MIN_INTERVAL_MS = 5;
const MAX_INTERVAL_MS = 25;

/** Measuring goes on for so long after the last data, to see the queue empty. */
const IDLE_AFTER_MS = 300;

/** Requests under way at once; more only pile up behind the same queue. */
const MAX_OUTSTANDING = 40;

/** As many requests as a sender has marks in its window. */
const FEW_OUTSTANDING = 4;

/** The base round trip is the minimum of the last one to two of these, in ms: paths change under a laptop. */
const BASE_MEMORY_MS = 60_000;

/** What the system's TCP knows of a connection. */
export interface TcpPath {
  readonly roundTripMs: number;
  /** Rises whenever a packet was retransmitted or arrived out of order. */
  readonly disorder: number;
}

/** The measuring instruments of a {@link PathMonitor}. */
export interface PathProbe {
  nowMs(): number;
  /** Sends a request that rides with the traffic; `onReply` is called when it is answered, in order. */
  ping(onReply: () => void): void;
  tcpPath(): TcpPath | undefined;
}

/** What one round trip's time has shown of the path. */
export interface PathRound {
  readonly roundTripMs: number;
  readonly averageRoundTripMs: number;
  readonly baseRoundTripMs: number;
  readonly tcpRoundTripMs: number | undefined;
  readonly isLossy: boolean;
  /** How long the round took, in ms. */
  readonly durationMs: number;
}

/** Events of a {@link PathMonitor}. */
export interface PathListener {
  /** A request leaves now; what is returned comes back with its answer: what was sent before it has arrived. */
  onPing(): number;
  onReply(mark: number): void;
  onRound(round: PathRound): void;
}

/**
 * Measures the round trip of an ssh connection while data moves on it, with keepalive requests that ride with the data
 * and so wait in the same queues. Silent while nothing moves.
 */
export class PathMonitor {
  readonly #probe: PathProbe;
  readonly #listener: PathListener;
  #timer: NodeJS.Timeout | undefined;
  #outstanding = 0;
  #roundTripMs: number | undefined;
  #lastPingMs = Number.NEGATIVE_INFINITY;
  #lastActivityMs = Number.NEGATIVE_INFINITY;

  #olderBaseMs = Number.POSITIVE_INFINITY;
  #baseMs = Number.POSITIVE_INFINITY;
  #baseSinceMs = 0;

  #roundStartMs = 0;
  #roundTrips: number[] = [];
  #disorder = 0;
  #lastDisorderMs = Number.NEGATIVE_INFINITY;

  constructor(probe: PathProbe, listener: PathListener) {
    this.#probe = probe;
    this.#listener = listener;
  }

  /** What was measured last, in ms. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** Data moved, or waits to. */
  activity(): void {
    const now = this.#probe.nowMs();
    this.#lastActivityMs = now;
    if (this.#timer === undefined) {
      this.#roundStartMs = now;
      this.#timer = setInterval(() => this.#tick(), MAX_INTERVAL_MS);
      this.#timer.unref();
    }
    if (now - this.#lastPingMs >= this.#intervalMs()) this.#ping(now);
  }

  /** An answer is needed: asks for one unless one is on its way. */
  expectAny(): void {
    if (this.#outstanding === 0) this.#ping(this.#probe.nowMs());
  }

  /** Sending depends on an answer: if few are on their way, asks for one at once. */
  expectSoon(): void {
    const outstanding = this.#outstanding;
    this.activity();
    const hasJustAsked = this.#outstanding > outstanding;
    if (!hasJustAsked && outstanding < FEW_OUTSTANDING) this.#ping(this.#probe.nowMs());
  }

  /** Ends all measuring. Idempotent. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const now = this.#probe.nowMs();
    const isIdle = now - this.#lastActivityMs > IDLE_AFTER_MS;
    if (isIdle) this.stop();
    else if (now - this.#lastPingMs >= this.#intervalMs()) this.#ping(now);
  }

  #ping(sentAtMs: number): void {
    if (this.#outstanding >= MAX_OUTSTANDING) return;
    this.#outstanding += 1;
    this.#lastPingMs = sentAtMs;
    const mark = this.#listener.onPing();
    this.#probe.ping(() => {
      this.#outstanding -= 1;
      this.#measured(sentAtMs, mark);
    });
  }

  #measured(sentAtMs: number, mark: number): void {
    const now = this.#probe.nowMs();
    const roundTripMs = Math.max(0.01, now - sentAtMs);
    this.#roundTripMs = roundTripMs;
    this.#rememberBase(roundTripMs, now);
    this.#roundTrips.push(roundTripMs);
    this.#listener.onReply(mark);

    const base = this.#baseRoundTripMs();
    const durationMs = now - this.#roundStartMs;
    if (durationMs < Math.max(1, Math.min(roundTripMs, base * 3))) return;
    const tcpPath = this.#probe.tcpPath();
    if (tcpPath !== undefined && tcpPath.disorder !== this.#disorder) {
      this.#disorder = tcpPath.disorder;
      this.#lastDisorderMs = now;
    }
    const roundTrips = this.#roundTrips;
    this.#roundTrips = [];
    this.#roundStartMs = now;
    this.#listener.onRound({
      roundTripMs: Math.min(...roundTrips),
      averageRoundTripMs: roundTrips.reduce((sum, value) => sum + value, 0) / roundTrips.length,
      baseRoundTripMs: base,
      tcpRoundTripMs: tcpPath?.roundTripMs,
      isLossy: now - this.#lastDisorderMs < 3 * base,
      durationMs,
    });
  }

  #rememberBase(roundTripMs: number, now: number): void {
    if (now - this.#baseSinceMs > BASE_MEMORY_MS) {
      this.#olderBaseMs = this.#baseMs;
      this.#baseMs = roundTripMs;
      this.#baseSinceMs = now;
    }
    this.#baseMs = Math.min(this.#baseMs, roundTripMs);
  }

  #baseRoundTripMs(): number {
    return Math.min(this.#baseMs, this.#olderBaseMs);
  }

  #intervalMs(): number {
    return Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, this.#baseRoundTripMs() / 4));
  }
}
