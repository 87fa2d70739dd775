import type { Logger } from '../../core/log.ts';
import { formatEndpoint } from '../../net/address/endpoint.ts';
import { type Answer, addressedTo } from '../message/answer.ts';
import { RCODES } from '../message/layout.ts';
import { cacheKey, errorAnswer, type Query } from '../message/message.ts';
import { Overload } from '../overload.ts';
import { AnswerCache } from './answer-cache.ts';
import type { TcpResolver } from './tcp-resolver.ts';

/** Different questions that wait for an answer; more are refused at once. */
const MAX_IN_FLIGHT = 1_000;

/** Clients that wait for the same answer as another does. */
const MAX_WAITING = 10_000;

const CACHE_LIMITS = { entries: 4_096, bytes: 8 * 1024 * 1024 } as const;

/** How long a resolver that was unreachable is asked only after the others. */
const UNREACHABLE_FOR_MS = 30_000;

/** Finds the answer to a query: in the cache, from an equal query under way, or from the resolvers in turn. */
export class CachingResolver {
  readonly #resolvers: readonly TcpResolver[];
  readonly #logger: Logger;
  readonly #cache = new AnswerCache(CACHE_LIMITS, () => performance.now());
  readonly #inFlight = new Map<string, Promise<Answer | undefined>>();
  readonly #unreachableUntilMs = new Map<TcpResolver, number>();
  readonly #overload: Overload;
  #waiting = 0;

  /** @param resolvers asked in this order; owned by the caller */
  constructor(resolvers: readonly TcpResolver[], logger: Logger) {
    this.#resolvers = resolvers;
    this.#logger = logger;
    this.#overload = new Overload(logger);
  }

  /** Whether any resolver has answered, or not failed to, within the last 30 s. */
  get isReachable(): boolean {
    return this.#resolvers.some((resolver) => !this.#isUnreachable(resolver));
  }

  /** The answer for this client; SERVFAIL when no resolver gives one. Never rejects. */
  async respond(query: Query): Promise<Buffer> {
    return (await this.find(query)) ?? errorAnswer(query, RCODES.serverFailure);
  }

  /** The answer for this client; undefined when no resolver can be reached, or too much is asked. Never rejects. */
  async find(query: Query): Promise<Buffer | undefined> {
    const key = cacheKey(query);
    const cached = this.#cache.find(key);
    if (cached !== undefined) return addressedTo(query, cached);
    const answer = await this.#shared(key, query);
    if (answer === undefined) return undefined;
    if (answer.question === undefined) return errorAnswer(query, answer.rcode);
    return addressedTo(query, answer.bytes);
  }

  async #shared(key: string, query: Query): Promise<Answer | undefined> {
    const asked = this.#inFlight.get(key);
    if (this.#waiting >= MAX_WAITING || (asked === undefined && this.#inFlight.size >= MAX_IN_FLIGHT)) {
      this.#overload.report(
        `${MAX_IN_FLIGHT} questions, or ${MAX_WAITING} programs, wait for the resolvers behind the bastion, further ones fail`,
      );
      return undefined;
    }
    const asking = asked ?? this.#ask(key, query);
    if (asked === undefined) this.#inFlight.set(key, asking);
    this.#waiting += 1;
    try {
      return await asking;
    } finally {
      this.#waiting -= 1;
      if (asked === undefined) this.#inFlight.delete(key);
    }
  }

  async #ask(key: string, query: Query): Promise<Answer | undefined> {
    let failure: Answer | undefined;
    for (const resolver of this.#inOrder()) {
      const result = await resolver.ask(query);
      if (result.kind !== 'answer') {
        this.#setUnreachable(resolver, result.kind === 'timeout' ? 'no answer within 2 s' : 'no connection');
        continue;
      }
      this.#unreachableUntilMs.delete(resolver);
      if (result.answer.rcode !== RCODES.serverFailure) {
        this.#cache.store(key, result.answer);
        return result.answer;
      }
      failure ??= result.answer;
    }
    return failure;
  }

  #inOrder(): readonly TcpResolver[] {
    const unreachable = this.#resolvers.filter((resolver) => this.#isUnreachable(resolver));
    return [...this.#resolvers.filter((resolver) => !unreachable.includes(resolver)), ...unreachable];
  }

  #isUnreachable(resolver: TcpResolver): boolean {
    return (this.#unreachableUntilMs.get(resolver) ?? 0) > performance.now();
  }

  #setUnreachable(resolver: TcpResolver, why: string): void {
    const nowMs = performance.now();
    const wasReachable = (this.#unreachableUntilMs.get(resolver) ?? 0) <= nowMs;
    this.#unreachableUntilMs.set(resolver, nowMs + UNREACHABLE_FOR_MS);
    if (wasReachable) {
      this.#logger.warn(`the resolver ${formatEndpoint(resolver.endpoint)} cannot be reached: ${why}`);
    }
  }
}
