import {
  openRulesetMessages,
  type RulesetDeletion,
  type RulesetMessages,
} from '../../net/native/netlink/ruleset-messages.ts';
import type { RulePlace } from './drivers/backend/rule-backend.ts';

/** A change comes in parts, and others often follow: all of them are looked at together. */
const SETTLE_MS = 100;

/** After a look, so that somebody who changes rules all the time costs two looks a second at most. */
const REST_MS = 500;

/** Where the kernel tells of nothing. */
const PERIOD_MS = 10_000;

/** What a {@link RuleWatch} needs. */
export interface RuleWatchContext {
  /** Where the rules stand; undefined where the kernel tells of no change there. */
  readonly places: readonly RulePlace[] | undefined;
  /** Looks whether the rules are there. Never rejects. What is missing was removed by `changedBy`, as far as the kernel says. */
  readonly look: (changedBy: () => string | undefined) => Promise<void>;
  /** Tests put their own here. */
  readonly openMessages?: (onMessages: () => void) => RulesetMessages;
}

/**
 * Has somebody look whenever rules of ours may have been removed: by event for nftables and iptables-nft, which costs nothing
 * while nothing changes, and every 10 s where there is no event (iptables-legacy).
 *
 *     listening ──message──> settling ──ours──> looking ──> resting ──> listening
 *                               └──────────none of ours──────────────────┘
 */
export class RuleWatch {
  readonly #context: RuleWatchContext;
  readonly #messages: RulesetMessages | undefined;
  #isListening = false;
  #isOpen = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: RuleWatchContext) {
    this.#context = context;
    this.#messages = this.#open();
    if (this.#messages === undefined) this.#lookLater();
    else this.#listen();
  }

  /** Idempotent. A look that has begun goes on. */
  close(): void {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.#messages?.close();
  }

  #open(): RulesetMessages | undefined {
    const { places, openMessages = openRulesetMessages } = this.#context;
    if (places === undefined) return undefined;
    try {
      return openMessages(() => this.#settle());
    } catch {
      return undefined; // a sandbox without these sockets
    }
  }

  #listen(): void {
    this.#isListening = true;
    this.#messages?.listen();
    // No signal tells of what came before.
    if (this.#messages?.hasNews() === true) this.#settle();
  }

  #settle(): void {
    if (!this.#isListening) return;
    this.#isListening = false;
    this.#messages?.rest();
    this.#after(SETTLE_MS, () => {
      const { deletions, isIncomplete } = this.#messages!.read();
      if (isIncomplete || deletions.some((deletion) => this.#isOurs(deletion))) void this.#look(deletions);
      else this.#listen();
    });
  }

  async #look(deletions: readonly RulesetDeletion[]): Promise<void> {
    await this.#context.look(() => {
      // The last, and those since: what the tools of our own requests have replaced before that is there again.
      const all = [...deletions, ...(this.#messages?.read().deletions ?? [])];
      return all.findLast((deletion) => this.#isOurs(deletion))?.changedBy;
    });
    this.#after(REST_MS, () => this.#listen());
  }

  #lookLater(): void {
    this.#after(PERIOD_MS, () => void this.#context.look(() => undefined).then(() => this.#lookLater()));
  }

  #isOurs({ family, table, chain }: RulesetDeletion): boolean {
    return (this.#context.places ?? []).some(
      (place) =>
        place.family === family &&
        place.table === table &&
        (chain === undefined || place.chains.includes(chain)),
    );
  }

  #after(ms: number, then: () => void): void {
    if (this.#isOpen) this.#timer = setTimeout(then, ms);
  }
}
