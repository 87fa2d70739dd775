import { Resolver } from 'node:dns/promises';
import type { FollowedNames, NameAnswer } from '../../config/followed-names.ts';
import type { LookUp } from '../../config/resolve-subnets.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { type CaptureRule, formatCaptureRule } from '../../net/address/capture-rule.ts';

/** Dependencies of {@link followNames}. */
export interface FollowContext {
  readonly logger: Logger;
  readonly lookUp: LookUp;
  /** Replaces what is captured, without touching flows. */
  readonly setRules: (rules: readonly CaptureRule[]) => Promise<void>;
}

/** Each takes a thread of libuv's four, which other look-ups need, too. */
const LOOK_UPS_AT_ONCE = 2;

/** How long after the start a name is looked up again; it is not known yet what its TTL is. */
const FIRST_LOOK_UP_MS = 5_000;

/** For the TTL alone: the addresses are those that libc finds. */
const TTL_TIMEOUT_MS = 2_000;

/** Looks names up again and again, and captures their new addresses, until it is stopped. */
export function followNames(names: FollowedNames, context: FollowContext): { stop(): void } {
  const follower = new Follower(names, context);
  return { stop: () => follower.stop() };
}

class Follower {
  readonly #names: FollowedNames;
  readonly #context: FollowContext;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #ttlResolver = new Resolver({ timeout: TTL_TIMEOUT_MS, tries: 1 });
  #captured: string;
  /** Rules are set one after the other. */
  #setting: Promise<void> = Promise.resolve();
  #isStopped = false;
  #lookUps = 0;
  readonly #waiting: Array<() => void> = [];

  constructor(names: FollowedNames, context: FollowContext) {
    this.#names = names;
    this.#context = context;
    this.#captured = textOf(names.rules(performance.now()));
    // Those that did not resolve at the start may be names of the bastion's side, which can be asked by now.
    for (const name of names.names) this.#schedule(name, names.isResolved(name) ? FIRST_LOOK_UP_MS : 0);
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#ttlResolver.cancel();
  }

  #schedule(name: string, delayMs: number): void {
    if (this.#isStopped) return;
    this.#timers.set(
      name,
      setTimeout(() => void this.#whenThereIsRoom(() => this.#lookUp(name)), delayMs),
    );
  }

  async #whenThereIsRoom(task: () => Promise<void>): Promise<void> {
    if (this.#lookUps >= LOOK_UPS_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#isStopped) return;
    this.#lookUps += 1;
    try {
      await task();
    } finally {
      this.#lookUps -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #lookUp(name: string): Promise<void> {
    const wasResolved = this.#names.isResolved(name);
    let answer: NameAnswer = { kind: 'unresolved' };
    let reason = 'it has no address';
    try {
      const addresses = await this.#context.lookUp(name);
      if (addresses.length > 0) {
        answer = { kind: 'addresses', addresses, ttlSeconds: await this.#ttlOf(name) };
      }
    } catch (error) {
      reason = messageOf(error);
    }
    if (this.#isStopped) return;
    const nextMs = this.#names.record(name, answer, performance.now());
    if (wasResolved && answer.kind === 'unresolved') {
      this.#context.logger.warn(
        `${name} does not resolve any more, its last addresses stay captured: ${reason}`,
      );
    }
    if (!wasResolved && answer.kind === 'addresses') this.#context.logger.info(`${name} resolves now`);
    this.#setting = this.#setting.then(() => this.#setRules(name));
    await this.#setting;
    this.#schedule(name, nextMs);
  }

  /** Never rejects: what the system refuses is tried again with the next look-up. */
  async #setRules(name: string): Promise<void> {
    const rules = this.#names.rules(performance.now());
    const text = textOf(rules);
    if (text === this.#captured || this.#isStopped) return;
    try {
      await this.#context.setRules(rules);
      this.#captured = text;
      this.#context.logger.info(`${name} has other addresses, which are captured now`);
    } catch (error) {
      if (this.#isStopped) return;
      this.#context.logger.warn(
        `${name} has other addresses, but they are not captured: ${messageOf(error)}`,
      );
    }
  }

  /** The shorter one of both families; undefined where DNS does not know the name, as one of /etc/hosts. */
  async #ttlOf(name: string): Promise<number | undefined> {
    const answers = await Promise.allSettled([
      this.#ttlResolver.resolve4(name, { ttl: true }),
      this.#ttlResolver.resolve6(name, { ttl: true }),
    ]);
    const ttls = answers.flatMap((answer) =>
      answer.status === 'fulfilled' ? answer.value.map(({ ttl }) => ttl) : [],
    );
    return ttls.length === 0 ? undefined : Math.min(...ttls);
  }
}

function textOf(rules: readonly CaptureRule[]): string {
  return rules.map((rule) => `${rule.action} ${formatCaptureRule(rule)}`).join(' ');
}
