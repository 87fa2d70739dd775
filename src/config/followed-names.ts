import type { CaptureRule } from '../net/address/capture-rule.ts';
import type { Config } from './config.ts';
import { namesOf, rulesOf } from './resolve-subnets.ts';

/**
 * How long an address stays with a name that was not given with it any more: resolvers give a few of many in turn, and
 * programs remember what they were given.
 */
const KEEP_MS = 5 * 60_000;

/** More addresses than any name has at a time. */
const MAX_ADDRESSES = 64;

/** A name is not asked for more often, whatever its TTL. */
const MIN_INTERVAL_MS = 5_000;
const MAX_INTERVAL_MS = 3_600_000;

/** For a name whose TTL is not known, as one of /etc/hosts. */
const DEFAULT_INTERVAL_MS = 60_000;

/** A name that does not resolve is asked for again, less and less often. */
const MAX_RETRY_MS = 60_000;

/** What a look-up said: the addresses, and for how long they may be kept where that is known. */
export type NameAnswer =
  | {
      readonly kind: 'addresses';
      readonly addresses: readonly string[];
      readonly ttlSeconds: number | undefined;
    }
  | { readonly kind: 'unresolved' };

/** The names among the subnets, and the addresses that they stand for in the course of time. */
export class FollowedNames {
  readonly names: readonly string[];
  readonly #config: Pick<Config, 'subnets' | 'ipv6'>;
  /** By name and address: when it was given last. The one that was given longest ago comes first. */
  readonly #seenMs = new Map<string, Map<string, number>>();
  readonly #failures = new Map<string, number>();

  /** @param addressesOf what the names stood for at the start; a name without is one that does not resolve */
  constructor(
    config: Pick<Config, 'subnets' | 'ipv6'>,
    addressesOf: ReadonlyMap<string, readonly string[]>,
    nowMs: number,
  ) {
    this.#config = config;
    this.names = namesOf(config.subnets);
    for (const name of this.names) {
      const addresses = addressesOf.get(name);
      this.#seenMs.set(name, new Map());
      if (addresses === undefined) this.#failures.set(name, 0);
      else this.#see(name, addresses, nowMs);
    }
  }

  /** Whether a name has resolved when it was asked for last. */
  isResolved(name: string): boolean {
    return !this.#failures.has(name);
  }

  /**
   * Takes what a look-up said. A name that does not resolve keeps its addresses.
   *
   * @returns when to look the name up again, in ms
   */
  record(name: string, answer: NameAnswer, nowMs: number): number {
    if (answer.kind === 'unresolved') {
      const failures = (this.#failures.get(name) ?? 0) + 1;
      this.#failures.set(name, failures);
      return Math.min(MIN_INTERVAL_MS * 2 ** (failures - 1), MAX_RETRY_MS);
    }
    this.#failures.delete(name);
    this.#see(name, answer.addresses, nowMs);
    const wanted = answer.ttlSeconds === undefined ? DEFAULT_INTERVAL_MS : answer.ttlSeconds * 1_000;
    return Math.min(Math.max(wanted, MIN_INTERVAL_MS), MAX_INTERVAL_MS);
  }

  /** What is to be captured now. */
  rules(nowMs: number): readonly CaptureRule[] {
    const addressesOf = new Map<string, readonly string[]>();
    for (const [name, seenMs] of this.#seenMs) {
      // The last ones stay, however old: a resolver that fails must not undo the rules.
      const latestMs = Math.max(...seenMs.values());
      const kept = [...seenMs].filter(([, atMs]) => atMs === latestMs || nowMs - atMs < KEEP_MS);
      addressesOf.set(
        name,
        kept.map(([address]) => address),
      );
    }
    return rulesOf(this.#config, addressesOf);
  }

  #see(name: string, addresses: readonly string[], nowMs: number): void {
    const seenMs = this.#seenMs.get(name)!;
    for (const address of addresses) {
      seenMs.delete(address);
      seenMs.set(address, nowMs);
    }
    for (const address of seenMs.keys()) {
      if (seenMs.size <= MAX_ADDRESSES) break;
      seenMs.delete(address);
    }
  }
}
