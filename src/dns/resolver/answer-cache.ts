import { type Answer, readTtl } from '../message/answer.ts';
import { RCODES } from '../message/layout.ts';

/** Longer than this nothing is kept: names move (RFC 8767 section 4 caps at a day, RFC 2308 section 5 negatives at 3 h). */
const MAX_TTL_SECONDS = 86_400;
const MAX_NEGATIVE_TTL_SECONDS = 10_800;

/** What the cache may hold. */
export interface CacheLimits {
  readonly entries: number;
  readonly bytes: number;
}

interface Entry {
  readonly bytes: Buffer;
  readonly ttlOffsets: readonly number[];
  readonly storedAtMs: number;
  readonly expiresAtMs: number;
}

/** Answers for as long as their records may be kept. When it is full, what was not asked for longest goes first. */
export class AnswerCache {
  readonly #limits: CacheLimits;
  readonly #nowMs: () => number;
  /** In the order of the last use. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(limits: CacheLimits, nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** A copy of the answer with the seconds that are left to each of its records. */
  find(key: string): Buffer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#remove(key, entry);
    if (entry.expiresAtMs <= this.#nowMs()) return undefined;
    this.#insert(key, entry);
    const aged = Buffer.from(entry.bytes);
    const ageSeconds = Math.floor((this.#nowMs() - entry.storedAtMs) / 1_000);
    for (const offset of entry.ttlOffsets) {
      aged.writeUInt32BE(Math.max(readTtl(aged, offset) - ageSeconds, 0), offset);
    }
    return aged;
  }

  /** Keeps an answer if it may be kept. */
  store(key: string, answer: Answer): void {
    const seconds = keepSeconds(answer);
    if (seconds === 0 || answer.bytes.length > this.#limits.bytes) return;
    const storedAtMs = this.#nowMs();
    const { bytes, ttlOffsets } = answer;
    const before = this.#entries.get(key);
    if (before !== undefined) this.#remove(key, before);
    this.#insert(key, { bytes, ttlOffsets, storedAtMs, expiresAtMs: storedAtMs + seconds * 1_000 });
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#limits.entries && this.#bytes <= this.#limits.bytes) return;
      this.#remove(oldest, entry);
    }
  }

  #insert(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes.length;
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.bytes.length;
  }
}

/**
 * For how many seconds an answer may be kept; 0 for not at all: it is truncated, an error of the resolver, or says that
 * there is nothing without saying for how long (RFC 2308).
 */
export function keepSeconds(answer: Answer): number {
  const isNegative = answer.rcode === RCODES.nameError || (answer.rcode === 0 && answer.answerCount === 0);
  if (answer.isTruncated || (answer.rcode !== 0 && !isNegative)) return 0;
  if (isNegative && answer.negativeTtlSeconds === undefined) return 0;
  const ttls = answer.ttlOffsets.map((offset) => readTtl(answer.bytes, offset));
  // An SOA record bounds an alias that leads to nothing, too.
  const bounds = answer.negativeTtlSeconds === undefined ? ttls : [...ttls, answer.negativeTtlSeconds];
  return Math.min(isNegative ? MAX_NEGATIVE_TTL_SECONDS : MAX_TTL_SECONDS, ...bounds);
}
