import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type Deferred, deferred } from '../../core/deferred.ts';
import { type Answer, readAnswer } from '../message/answer.ts';
import { isSameQuestion, RCODES } from '../message/layout.ts';
import { type Query, renderQuery } from '../message/message.ts';
import { frame, MessageSplitter } from '../message/message-splitter.ts';

/**
 * The first octet of a query's frame: no query up to 255 octets has another. Sent ahead of the query it belongs to, while
 * answers are awaited, it takes the acknowledgement along that the resolver's kernel holds the next answers back for
 * (Nagle's algorithm and delayed acknowledgements: 40 ms; native-notes/nagle.md).
 */
const FIRST_OCTET = Buffer.of(0);

/** How a query that was sent over a connection came out. */
export type AskResult =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** The connection ended before the answer came: another connection may have it. */
  | { readonly kind: 'broken' }
  | { readonly kind: 'timeout' }
  /** There is no connection, and none could be opened. */
  | { readonly kind: 'no-connection' };

interface Pending {
  readonly query: Query;
  readonly result: Deferred<AskResult>;
  readonly timer: NodeJS.Timeout;
}

/** How long an answer may take, and a connection may be without a query. */
export interface ConnectionTimes {
  readonly answerTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** A connection that is older gets no more queries; what was asked before is still answered. */
  readonly maxAgeMs: number;
}

/**
 * One connection to a resolver that many queries share (RFC 7766 section 6.2.1.1: pipelined, answered in any order).
 *
 *     open --last answer, then idle, or too old--> closed
 *          --end, error, or silence for a whole timeout--> closed, its queries `broken`
 *
 * Owns the stream.
 */
export class ResolverConnection {
  /** Resolves when no query can be sent any more. */
  readonly closed: Promise<void>;
  readonly #stream: Duplex;
  readonly #times: ConnectionTimes;
  readonly #splitter = new MessageSplitter();
  readonly #pending = new Map<number, Pending>();
  readonly #closed = deferred<void>();
  #isOpen = true;
  #asked = 0;
  /** {@link FIRST_OCTET} of the next query is sent. */
  #isBegun = false;
  #answered = 0;
  #allowance: number | undefined;
  #answeredAtMs = 0;
  readonly #openedAtMs = performance.now();
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(stream: Duplex, times: ConnectionTimes) {
    this.#stream = stream;
    this.#times = times;
    this.closed = this.#closed.promise;
    this.#closeWhenIdle();
    stream.on('error', () => this.close());
    stream.on('end', () => this.#endedByResolver());
    stream.on('close', () => this.close());
    stream.on('data', (chunk: Buffer) => {
      for (const message of this.#splitter.push(chunk)) this.#receive(message);
      this.#begin();
    });
  }

  /** Queries that have no answer yet. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** How many queries it was ever sent. */
  get asked(): number {
    return this.#asked;
  }

  /** Since it was opened. */
  get ageMs(): number {
    return performance.now() - this.#openedAtMs;
  }

  /** After how many queries the resolver has ended it, although more were waiting; undefined when that is not why it ended. */
  get allowance(): number | undefined {
    return this.#allowance;
  }

  /** Whether this can be the next query: a longer one has another first octet than the one that may be sent already. */
  accepts(query: Query): boolean {
    return !this.#isBegun || renderQuery(query, 0).length <= 0xff;
  }

  /** Sends a query, which it must {@link takes | take}; never rejects. The id is ours and cannot be guessed (RFC 5452 section 9.2). */
  ask(query: Query): Promise<AskResult> {
    if (!this.#isOpen) return Promise.resolve({ kind: 'broken' });
    clearTimeout(this.#idleTimer);
    this.#asked += 1;
    let id = randomInt(0x1_0000);
    while (this.#pending.has(id)) id = randomInt(0x1_0000);
    const result = deferred<AskResult>();
    const sentAtMs = performance.now();
    const timer = setTimeout(() => {
      this.#settle(id, { kind: 'timeout' });
      // Nothing at all came meanwhile: the connection leads nowhere.
      if (this.#answeredAtMs < sentAtMs) this.close();
    }, this.#times.answerTimeoutMs);
    this.#pending.set(id, { query, result, timer });
    const framed = frame(renderQuery(query, id));
    this.#stream.write(this.#isBegun ? framed.subarray(FIRST_OCTET.length) : framed);
    this.#isBegun = false;
    return result.promise;
  }

  /** Gives up what is in flight and ends the connection. Idempotent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#idleTimer);
    for (const id of [...this.#pending.keys()]) this.#settle(id, { kind: 'broken' });
    this.#stream.destroy();
    this.#closed.resolve();
  }

  #begin(): void {
    if (!this.#isOpen || this.#isBegun || this.#pending.size === 0) return;
    this.#isBegun = true;
    this.#stream.write(FIRST_OCTET);
  }

  /** Some answer so many queries on a connection and no more: dnsmasq 100 (its TCP_MAX_QUERIES). */
  #endedByResolver(): void {
    if (this.#isOpen && this.#answered > 0 && this.#pending.size > 0) this.#allowance = this.#answered;
    this.close();
  }

  #receive(message: Buffer): void {
    const answer = readAnswer(message);
    const pending = answer === undefined ? undefined : this.#pending.get(answer.id);
    // What nobody asked, or asked differently, is no answer: the query goes on waiting (RFC 5452 section 9.1).
    if (answer === undefined || pending === undefined || !answers(answer, pending.query)) return;
    this.#answeredAtMs = performance.now();
    this.#answered += 1;
    this.#settle(answer.id, { kind: 'answer', answer });
  }

  #settle(id: number, result: AskResult): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    pending.result.resolve(result);
    if (this.#isOpen && this.#pending.size === 0) this.#closeWhenIdle();
  }

  /** At the latest when it is too old to be asked anything: one timer for both. */
  #closeWhenIdle(): void {
    const { idleTimeoutMs, maxAgeMs } = this.#times;
    const restMs = Math.max(Math.min(idleTimeoutMs, maxAgeMs - this.ageMs), 0);
    this.#idleTimer = setTimeout(() => this.close(), restMs);
  }
}

/** A resolver that could not read the query, or does not know its kind, may leave the question out. */
function answers(answer: Answer, query: Query): boolean {
  if (answer.question !== undefined) return isSameQuestion(answer.question, query.question);
  return answer.rcode === RCODES.formatError || answer.rcode === RCODES.notImplemented;
}
