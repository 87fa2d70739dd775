import { messageOf } from '../../core/errors.ts';
import type { RulesNews } from '../protocol/protocol.ts';
import type { RuleBackend } from './drivers/backend/rule-backend.ts';
import { RuleWatch, type RuleWatchContext } from './rule-watch.ts';

/** Somebody who removes rules so often in so short a time does it again. */
const MAX_REMOVALS = 5;
const REMOVALS_WITHIN_MS = 60_000;

/** Whether they stay then. */
const RETRY_MS = 30_000;

/** What a {@link RuleKeeper} needs. */
export interface RuleKeeperContext {
  readonly backend: RuleBackend;
  readonly tell: (news: RulesNews) => void;
  /** Runs a task when nothing else changes the rules. */
  readonly alone: (task: () => Promise<void>) => Promise<void>;
  /** Tests put their own here. */
  readonly watch?: ((context: RuleWatchContext) => Pick<RuleWatch, 'close'>) | undefined;
}

/**
 * Puts rules back that somebody else has removed, and tells of it.
 *
 *     kept ──gone──> put back ──> kept
 *              │        └──refused──> lost ──a request has set them, or 30 s later──> put back
 *              └──the 5th time in a minute──> lost
 */
export class RuleKeeper {
  readonly #context: RuleKeeperContext;
  #watch: Pick<RuleWatch, 'close'> | undefined;
  #removalsAtMs: readonly number[] = [];
  #retry: NodeJS.Timeout | undefined;
  /** What was missing, as long as it could not be put back. */
  #lost: string | undefined;

  constructor(context: RuleKeeperContext) {
    this.#context = context;
  }

  /** After the rules were set as a request says. */
  async applied(): Promise<void> {
    const { backend, alone, watch = (context) => new RuleWatch(context) } = this.#context;
    const { exposure } = backend;
    if (exposure.kind === 'owned') return;
    if (this.#lost !== undefined && (await this.#missing()) === undefined) this.#isBack(this.#lost);
    const { places, openMessages } = exposure.kind === 'announced' ? exposure : {};
    this.#watch ??= watch({
      places,
      ...(openMessages === undefined ? {} : { openMessages }),
      look: (changedBy) => alone(async () => void (await this.#look(changedBy))),
    });
  }

  /** After a request that was refused. @returns whether rules were missing and are back, so that it may be tried again */
  async mend(): Promise<boolean> {
    return this.#lost === undefined ? await this.#look(() => undefined) : await this.#putBack(this.#lost);
  }

  /** Before the rules are removed. Idempotent. */
  stop(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#lost = undefined;
    clearTimeout(this.#retry);
  }

  /** @returns whether rules were missing, and are back */
  async #look(changedBy: () => string | undefined): Promise<boolean> {
    // What is lost waits for its time, and what was stopped meanwhile is gone for a reason.
    if (this.#watch === undefined || this.#lost !== undefined) return false;
    const missing = await this.#missing();
    if (missing === undefined) return false;
    const what = `${changedBy() ?? 'another program'} has removed redirect rules (${missing})`;
    const nowMs = performance.now();
    this.#removalsAtMs = [...this.#removalsAtMs.filter((atMs) => nowMs - atMs < REMOVALS_WITHIN_MS), nowMs];
    if (this.#removalsAtMs.length < MAX_REMOVALS) return await this.#putBack(what);
    this.#isLost(what, `that was done ${this.#removalsAtMs.length} times within a minute`);
    return false;
  }

  async #missing(): Promise<string | undefined> {
    try {
      return await this.#context.backend.missing();
    } catch (error) {
      return `they cannot be looked at: ${messageOf(error)}`;
    }
  }

  async #putBack(what: string): Promise<boolean> {
    try {
      await this.#context.backend.putBack();
      this.#isBack(what);
      return true;
    } catch (error) {
      this.#isLost(what, messageOf(error));
      return false;
    }
  }

  #isBack(what: string): void {
    this.#lost = undefined;
    clearTimeout(this.#retry);
    this.#context.tell({ state: 'back', what });
  }

  #isLost(what: string, why: string): void {
    if (this.#lost === undefined)
      this.#context.tell({ state: 'lost', what: `${what}; they are not put back: ${why}` });
    this.#lost = what;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      void this.#context.alone(async () => {
        if (this.#lost !== undefined) await this.#putBack(this.#lost);
      });
    }, RETRY_MS);
  }
}
