import { deferred } from '../core/deferred.ts';
import { messageOf, TshuttleError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Endpoint } from '../net/address/endpoint.ts';
import type { IpFamily } from '../net/address/literal.ts';
import type { LookUp, RedirectedConnection, StrandedFate } from '../net/sockets/redirected-connection.ts';
import { isHelperLost } from './client/client-errors.ts';
import { findHelperCommandFacts, helperCommand, withoutPrompt } from './client/command.ts';
import {
  type HelperInterceptor,
  type OpenInterceptorOptions,
  openInterceptor,
} from './helper-interceptor.ts';
import type { Interceptor, RulesGone } from './interceptor.ts';
import type { RulesNews } from './protocol/protocol.ts';
import type { LeftUndone } from './rules/left-undone.ts';
import type { InterceptMethod } from './rules/redirect-methods.ts';
import type { RedirectPlan, RoutedNetwork } from './rules/redirect-plan.ts';
import type { RuleFacts } from './rules/rule-facts.ts';

/** A helper that ends so often in so short a time is not started again. */
const MAX_LOSSES = 3;
const LOSSES_WITHIN_MS = 10_000;

/** Nothing is captured meanwhile, so that a tunnel which takes longer has to end. */
const RESTART_TIMEOUT_MS = 10_000;

/** An interceptor that outlives its helper. */
export interface RestartingInterceptor extends Interceptor {
  /** Undefined as long as the rules are there. */
  readonly rulesGone: RulesGone | undefined;
}

/**
 * Opens an interceptor that outlives its helper: one that ends is started again at once, where that asks for no password, and
 * told what was in force. Flows that are quiet meanwhile go on; the kernel resets one in which an answer comes before the rules
 * are back (native-notes/translation-without-rules.md).
 *
 * @throws TshuttleError as {@link openInterceptor} does; nothing is left behind then
 */
export async function openRestartingInterceptor(
  options: OpenInterceptorOptions,
): Promise<RestartingInterceptor> {
  let restarter: HelperRestarter | undefined;
  const onRules = (news: RulesNews): void => {
    restarter?.heard(news);
    options.onRules?.(news);
  };
  restarter = new HelperRestarter(await openInterceptor({ ...options, onRules }), { ...options, onRules });
  return restarter;
}

/**
 * Its `current` helper:
 *
 *     runs --ends unasked--> is started again --> runs
 *                               |  would ask, refused, too slow, ends again and again
 *                               v
 *                             lost
 * While it runs it may say that the rules are lost, and that they are back.
 */
class HelperRestarter implements RestartingInterceptor {
  readonly method: InterceptMethod;
  readonly families: readonly IpFamily[];
  readonly lost: Promise<TshuttleError>;
  readonly #options: OpenInterceptorOptions;
  readonly #logger: Logger;
  readonly #lost = deferred<TshuttleError>();
  readonly #closing = new AbortController();
  /** Rejects when it is lost. */
  #current: Promise<HelperInterceptor>;
  /** The state in force: what the next helper is told. */
  #plan: RedirectPlan | undefined;
  #routes: readonly RoutedNetwork[] = [];
  #rulesGone: RulesGone | undefined;
  #lossesAtMs: readonly number[] = [];
  #lastChange: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(first: HelperInterceptor, options: OpenInterceptorOptions) {
    const { command } = options;
    this.#options = {
      ...options,
      selection: first.selection,
      ...(command === undefined ? {} : { command: withoutPrompt(command) }),
    };
    this.#logger = options.logger;
    this.method = first.method;
    this.families = first.families;
    this.lost = this.#lost.promise;
    this.#current = Promise.resolve(first);
    this.#watch(first);
  }

  get rulesGone(): RulesGone | undefined {
    return this.#rulesGone;
  }

  /** What the helper says unasked. */
  heard({ state }: RulesNews): void {
    if (state === 'back') this.#rulesGone = undefined;
    else this.#rulesGone ??= { sinceMs: Date.now(), cause: 'removed' };
  }

  apply(plan: RedirectPlan): Promise<LeftUndone> {
    return this.#change(async (current) => {
      const left = await current.apply(plan);
      this.#plan = plan;
      return left;
    });
  }

  addRoute(network: RoutedNetwork): Promise<void> {
    return this.#change(async (current) => {
      await current.addRoute(network);
      this.#routes = [...this.#routes, network];
    });
  }

  endStranded(connections: readonly RedirectedConnection[]): Promise<readonly StrandedFate[]> {
    return this.#change((current) => current.endStranded(connections));
  }

  lookUp(originators: readonly Endpoint[]): Promise<readonly LookUp[]> {
    return this.#change((current) => current.lookUp(originators));
  }

  enclose(pid: number): Promise<string> {
    // The control group outlives the helper with the command in it, and the plan names it.
    return this.#change((current) => current.enclose(pid));
  }

  makeTransparent(descriptors: readonly number[]): Promise<void> {
    return this.#change((current) => current.makeTransparent(descriptors));
  }

  look(): Promise<RuleFacts> {
    return this.#change((current) => current.look());
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      this.#closing.abort(new TshuttleError('ERR_HELPER_LOST', 'the interceptor is closed'));
      const current = await this.#current.catch(() => undefined);
      await current?.close();
    })();
    return this.#closed;
  }

  /** One at a time. What a helper has not done before it ended, the next one does. */
  #change<Result>(change: (current: HelperInterceptor) => Promise<Result>): Promise<Result> {
    const run = this.#lastChange.then(async () => {
      for (;;) {
        const current = await this.#current;
        try {
          return await change(current);
        } catch (error) {
          if (!isHelperLost(error) || this.#closing.signal.aborted) throw error;
          await current.lost;
        }
      }
    });
    this.#lastChange = run.then(() => {}).catch(() => {});
    return run;
  }

  #watch(interceptor: HelperInterceptor): void {
    void interceptor.lost.then((loss) => {
      if (this.#closing.signal.aborted) return;
      this.#rulesGone = { sinceMs: Date.now(), cause: 'helper ended' };
      this.#current = this.#replace(interceptor, loss);
      this.#current.catch(() => {}); // told through `lost`
    });
  }

  async #replace(dead: HelperInterceptor, loss: TshuttleError): Promise<HelperInterceptor> {
    const startedMs = performance.now();
    const timeout = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, timeout.signal]);
    const timer = setTimeout(() => {
      timeout.abort(new Error(`it does not run again within ${RESTART_TIMEOUT_MS / 1_000} s`));
    }, RESTART_TIMEOUT_MS);
    try {
      const next = await this.#startAgain(dead, signal);
      const afterS = ((performance.now() - startedMs) / 1_000).toFixed(1);
      this.#logger.warn(`${loss.message}; another one runs, and its rules are back after ${afterS} s`);
      this.#rulesGone = undefined;
      this.#watch(next);
      return next;
    } catch (cause) {
      const message = `${loss.message}, and was not started again: ${messageOf(cause)}`;
      const error = new TshuttleError('ERR_HELPER_LOST', message, { remedy: remedyFor(cause), cause });
      if (!this.#closing.signal.aborted) this.#lost.resolve(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws Error why not; the signal's reason as soon as that aborts, and what starts then ends by itself */
  async #startAgain(dead: HelperInterceptor, signal: AbortSignal): Promise<HelperInterceptor> {
    const aborted = deferred<never>();
    const onAbort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      // It may still be removing its rules, which have the names that the next one's will have.
      await Promise.race([dead.close().catch(() => {}), aborted.promise]);
      for (;;) {
        this.#countLoss();
        const start = this.#startOnce(signal);
        try {
          return await Promise.race([start, aborted.promise]);
        } catch (error) {
          if (signal.aborted) void start.then((late) => late.close()).catch(() => {});
          if (signal.aborted || !isHelperLost(error)) throw error;
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Starts a helper and has it bring about the state in force. */
  async #startOnce(signal: AbortSignal): Promise<HelperInterceptor> {
    const command = this.#options.command ?? withoutPrompt(helperCommand(findHelperCommandFacts()));
    const interceptor = await openInterceptor({ ...this.#options, command, signal });
    try {
      for (const network of this.#routes) await interceptor.addRoute(network);
      if (this.#plan !== undefined) await interceptor.apply(this.#plan);
      return interceptor;
    } catch (error) {
      await interceptor.close().catch(() => {}); // the first failure is the one to report
      throw error;
    }
  }

  /** @throws Error when it was lost too often */
  #countLoss(): void {
    const nowMs = performance.now();
    this.#lossesAtMs = [...this.#lossesAtMs.filter((atMs) => nowMs - atMs < LOSSES_WITHIN_MS), nowMs];
    if (this.#lossesAtMs.length < MAX_LOSSES) return;
    throw new Error(`it ended ${MAX_LOSSES} times within ${LOSSES_WITHIN_MS / 1_000} s`);
  }
}

function remedyFor(cause: unknown): string {
  return cause instanceof TshuttleError && cause.code === 'ERR_NO_PRIVILEGE'
    ? 'start tshuttle again; after tshuttle sudoers --install the helper needs no password'
    : 'its rules are gone, or go with tshuttle cleanup; start tshuttle again';
}
