import type { Duplex } from 'node:stream';
import type { Endpoint, HostPort } from '../../net/address/endpoint.ts';
import type { Query } from '../message/message.ts';
import { type AskResult, type ConnectionTimes, ResolverConnection } from './resolver-connection.ts';

/** A resolver that says nothing for this long counts as unreachable. */
const ANSWER_TIMEOUT_MS = 2_000;

/** The side that asks should close an idle connection first, after seconds (RFC 7766 section 6.2.3). */
const IDLE_TIMEOUT_MS = 10_000;

/**
 * Some resolvers answer each connection by a process of its own, which knows what was known when it began: dnsmasq's child lives for
 * 150 s (native-notes/dns-redirect.md), and has the hosts and the cache of its start. So an answer is never older than this, and
 * what a new connection costs, a round trip every few seconds, is paid ahead of time: see {@link TcpResolver.ask}.
 */
const MAX_AGE_MS = 10_000;

/** Few connections (RFC 7766 section 6.2.2): dnsmasq answers one query after the other on each, and allows 20. */
const MAX_CONNECTIONS = 4;

/** With those that get no more queries and wait for their last answers. */
const MAX_WITH_ENDING = 12;

/** A resolver that ends connections sooner is only broken. */
const LEAST_ALLOWANCE = 16;

/** Queries that may wait for one connection's answers; of more, the client hears at once that it was too much. */
const MAX_PIPELINED = 256;

/** Opens a connection to a resolver on the bastion's side. The signal cancels only the opening. */
export type OpenConnection = (destination: HostPort, signal: AbortSignal) => Promise<Duplex>;

/** One resolver behind the bastion, asked by DNS over TCP. Owns its connections. */
export class TcpResolver {
  readonly endpoint: Endpoint;
  readonly #open: OpenConnection;
  readonly #times: ConnectionTimes;
  readonly #closing = new AbortController();
  readonly #connections = new Set<ResolverConnection>();
  /** Connections that are being opened; every one of them settles within the timeout. */
  readonly #opening = new Set<Promise<ResolverConnection | undefined>>();
  /** How many queries it takes on one connection, as far as it has shown that. */
  #allowance = Number.POSITIVE_INFINITY;

  constructor(endpoint: Endpoint, open: OpenConnection, times: Partial<ConnectionTimes> = {}) {
    this.endpoint = endpoint;
    this.#open = open;
    this.#times = {
      answerTimeoutMs: ANSWER_TIMEOUT_MS,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      maxAgeMs: MAX_AGE_MS,
      ...times,
    };
  }

  /** Asks once, and over another connection once more when the first broke; never rejects. */
  async ask(query: Query): Promise<AskResult> {
    const first = await this.#askOnce(query);
    return first.kind === 'broken' ? await this.#askOnce(query) : first;
  }

  /** Ends its connections; what is in flight comes out as broken. Idempotent. */
  close(): void {
    this.#closing.abort(new Error('the resolver is closed'));
    for (const connection of this.#connections) connection.close();
  }

  async #askOnce(query: Query): Promise<AskResult> {
    const connection = await this.#connection(query);
    if (connection === undefined || connection.inFlight >= MAX_PIPELINED) return { kind: 'no-connection' };
    return await connection.ask(query);
  }

  /**
   * The connection with the fewest queries; a new one when all have some and there may be more, and ahead of time when the
   * resolver will soon end it, or it will soon be too old: so many at once would else wait for a new one.
   */
  async #connection(query: Query): Promise<ResolverConnection | undefined> {
    const leastBusy = this.#leastBusy(query);
    if (leastBusy !== undefined && leastBusy.inFlight === 0 && this.#isFresh(leastBusy)) return leastBusy;
    const fresh = [...this.#connections].filter((connection) => this.#isFresh(connection)).length;
    const mayOpen = this.#connections.size + this.#opening.size < MAX_WITH_ENDING;
    if (mayOpen && fresh + this.#opening.size < MAX_CONNECTIONS) {
      const opening = this.#openOne();
      this.#opening.add(opening);
      void opening.finally(() => this.#opening.delete(opening));
    }
    // Never waits for a new connection while an old one carries.
    return leastBusy ?? (await Promise.any([...this.#opening].map(succeeded)).catch(() => undefined));
  }

  /** Whether it has so much before it that none needs to be opened in its place. */
  #isFresh({ asked, ageMs }: ResolverConnection): boolean {
    return asked < this.#allowance / 2 && ageMs < this.#times.maxAgeMs / 2;
  }

  #leastBusy(query: Query): ResolverConnection | undefined {
    let leastBusy: ResolverConnection | undefined;
    for (const connection of this.#connections) {
      const isSpent = connection.asked >= this.#allowance || connection.ageMs >= this.#times.maxAgeMs;
      if (isSpent || !connection.accepts(query)) continue;
      // Of several the youngest, which is the last.
      if (leastBusy === undefined || connection.inFlight <= leastBusy.inFlight) leastBusy = connection;
    }
    return leastBusy;
  }

  async #openOne(): Promise<ResolverConnection | undefined> {
    const timeout = AbortSignal.timeout(this.#times.answerTimeoutMs);
    const signal = AbortSignal.any([timeout, this.#closing.signal]);
    try {
      const { address: host, port } = this.endpoint;
      const stream = await this.#open({ host, port }, signal);
      const connection = new ResolverConnection(stream, this.#times);
      this.#connections.add(connection);
      void connection.closed.then(() => {
        this.#connections.delete(connection);
        const allowance = connection.allowance ?? Number.POSITIVE_INFINITY;
        this.#allowance = Math.min(this.#allowance, Math.max(allowance, LEAST_ALLOWANCE));
      });
      if (signal.aborted) connection.close();
      return connection;
    } catch {
      return undefined;
    }
  }
}

/** For Promise.any: the first connection that opened, not the first attempt that ended. */
async function succeeded(opening: Promise<ResolverConnection | undefined>): Promise<ResolverConnection> {
  const connection = await opening;
  if (connection === undefined) throw new Error('no connection');
  return connection;
}
