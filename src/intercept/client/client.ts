import { deferred } from '../../core/deferred.ts';
import { TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { PROTOCOL_VERSION, type Reply, type Request, type RulesNews } from '../protocol/protocol.ts';
import { endedError, type HelperExit, privilegeError, protocolError, renderExit } from './client-errors.ts';
import { decodeReply } from './decode-reply.ts';
import { HelperProcess } from './helper-process.ts';

/** A request without its id, which the client gives it. */
type Call = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

/** The answer to a request; never `failed`, which is thrown. */
export type Answer = Exclude<Reply, { type: 'hello' | 'failed' | 'rules' }>;

/** The user's side of a running helper. */
export interface HelperClient {
  /** Process id of the helper itself, not of sudo. */
  readonly pid: number;
  /** Resolves, never rejects, when the helper ended unasked or broke the protocol. Its rules are gone or going then. */
  readonly lost: Promise<TshuttleError>;
  /**
   * Asks one thing; calls are sent one after the other.
   *
   * @throws HelperRefusal when the system refused it
   * @throws TshuttleError ERR_HELPER_LOST, ERR_HELPER_PROTOCOL as `lost` says
   */
  call(request: Call): Promise<Answer>;
  /**
   * Closes the helper's stdin, which makes it remove its rules, and waits until it has ended. Idempotent.
   *
   * @throws TshuttleError ERR_CLEANUP when it could not remove them
   */
  close(): Promise<void>;
}

/** The helper's answer `failed`. The message is the system's own text. */
export class HelperRefusal extends Error {
  override readonly name = 'HelperRefusal';
}

/** What a helper is started with. */
export interface StartHelperOptions {
  /** From `helperCommand`; argv, run without a shell. */
  readonly command: readonly string[];
  readonly logger: Logger;
  /** Ends the wait for a password. */
  readonly signal?: AbortSignal | undefined;
  /** Called when somebody else has removed rules. */
  readonly onRules?: ((news: RulesNews) => void) | undefined;
  /** From the start to the helper's first line; people type passwords in that time. */
  readonly helloTimeoutMs?: number;
  /** From a request to its reply. */
  readonly replyTimeoutMs?: number;
}

/** sudo itself gives up after 5 minutes (passwd_timeout), three prompts in a row take less. */
const HELLO_TIMEOUT_MS = 5 * 60_000;

/** A tool may run 20 s (run-tool.ts), and iptables needs two tools for each of two families. */
const REPLY_TIMEOUT_MS = 90_000;

/**
 * Starts the helper and waits for its greeting.
 *
 * @throws TshuttleError ERR_NO_PRIVILEGE when sudo refused, ERR_HELPER_LOST when it ended, ERR_HELPER_PROTOCOL when it
 * speaks another version, the signal's reason when that aborted; no process is left behind then
 */
export async function startHelper(options: StartHelperOptions): Promise<HelperClient> {
  options.signal?.throwIfAborted();
  return await greeted(new HelperConnection(options), options);
}

/**
 * As {@link startHelper}, with a first request that lies ready for the helper: it is served as soon as there is one, however busy this
 * process is.
 *
 * @returns the answer is nobody's to wait for until the helper has greeted; it rejects as `call` does
 */
export async function startHelperWith(
  request: Call,
  options: StartHelperOptions,
): Promise<{ readonly client: HelperClient; readonly answer: Promise<Answer> }> {
  options.signal?.throwIfAborted();
  const connection = new HelperConnection(options);
  const answer = connection.call(request);
  answer.catch(() => {});
  return { client: await greeted(connection, options), answer };
}

async function greeted(connection: HelperConnection, options: StartHelperOptions): Promise<HelperClient> {
  const { signal } = options;
  const aborted = deferred<never>();
  const onAbort = (): void => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([connection.hello(options.helloTimeoutMs ?? HELLO_TIMEOUT_MS), aborted.promise]);
    return connection;
  } catch (error) {
    connection.abandon();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

class HelperConnection implements HelperClient {
  readonly lost: Promise<TshuttleError>;
  pid = 0;
  readonly #process: HelperProcess;
  readonly #replyTimeoutMs: number;
  readonly #lost = deferred<TshuttleError>();
  readonly #greeted = deferred<void>();
  #failure: TshuttleError | undefined;
  readonly #onRules: (news: RulesNews) => void;
  #pending: { readonly id: number; resolve(reply: Reply): void; reject(error: unknown): void } | undefined;
  #lastCall: Promise<unknown> = Promise.resolve();
  #nextId = 1;
  #closing: Promise<void> | undefined;

  constructor(options: StartHelperOptions) {
    this.#replyTimeoutMs = options.replyTimeoutMs ?? REPLY_TIMEOUT_MS;
    this.lost = this.#lost.promise;
    this.#onRules = options.onRules ?? (() => {});
    this.#greeted.promise.catch(() => {}); // also reported through `lost`
    this.#process = new HelperProcess(options.command, options.logger, {
      onLine: (line) => this.#receive(decodeReply(line)),
      onBroken: (error) => this.#fail(error),
      onEnded: (exit) => this.#fail(this.#endedError(exit)),
    });
  }

  /** Waits for the greeting. */
  async hello(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => {
      this.#fail(privilegeError(`no answer within ${timeoutMs / 1_000} s`, this.#process.stderr.sudoLines));
    }, timeoutMs);
    try {
      await this.#greeted.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  call(request: Call): Promise<Answer> {
    const call = this.#lastCall.then(() => this.#ask(request));
    this.#lastCall = call.catch(() => {});
    return call;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ends a start that failed: sudo may still be asking, and is ours to end then. */
  abandon(): void {
    this.#closing ??= Promise.resolve();
    this.#process.abandon();
  }

  #receive(reply: Reply): void {
    if (reply.type === 'hello') {
      if (reply.version !== PROTOCOL_VERSION || this.pid !== 0) {
        throw new Error(`it speaks version ${reply.version}, not ${PROTOCOL_VERSION}`);
      }
      this.pid = reply.pid;
      this.#greeted.resolve();
      return;
    }
    if (reply.type === 'rules') {
      if (this.#closing === undefined) this.#onRules({ state: reply.state, what: reply.what });
      return;
    }
    const pending = this.#pending;
    if (pending?.id !== reply.id) throw new Error('a reply to nothing that was asked');
    this.#pending = undefined;
    pending.resolve(reply);
  }

  async #ask(request: Call): Promise<Answer> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined) throw new TshuttleError('ERR_HELPER_LOST', 'the helper is closed');
    const id = this.#nextId++;
    const answered = deferred<Reply>();
    this.#pending = { id, resolve: answered.resolve, reject: answered.reject };
    answered.promise.catch(() => {}); // where it is not greeted, that is told
    this.#process.write(JSON.stringify({ ...request, id }));
    await this.#greeted.promise;
    const timer = setTimeout(() => {
      this.#fail(protocolError(`no answer to ${request.type} within ${this.#replyTimeoutMs} ms`));
    }, this.#replyTimeoutMs);
    try {
      const reply = await answered.promise;
      if (reply.type === 'failed') throw new HelperRefusal(reply.reason);
      if (reply.type === 'hello' || reply.type === 'rules') throw protocolError('no answer');
      return reply;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The first failure counts: it settles whatever waits. Closing its stdin makes a helper that still runs undo its rules. */
  #fail(error: TshuttleError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#process.endInput();
    this.#greeted.reject(error);
    this.#pending?.reject(error);
    this.#pending = undefined;
    if (this.#closing === undefined) this.#lost.resolve(error);
  }

  async #close(): Promise<void> {
    await this.#lastCall;
    await this.#process.close();
  }

  #endedError(exit: HelperExit): TshuttleError {
    return this.pid === 0 && this.#process.isThroughSudo
      ? privilegeError(`sudo ended with ${renderExit(exit)}`, this.#process.stderr.sudoLines)
      : endedError(exit, this.#process.stderr.lastError);
  }
}
