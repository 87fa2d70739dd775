import { type FSWatcher, watch } from 'node:fs';
import type { Logger } from '../../core/log.ts';
import type { CaptureProblem } from '../../ingress/capture-check/capture-problem.ts';
import type { EnteredNamespace } from '../../net/machine/namespace/entered-namespace.ts';
import { NAMED_NAMESPACES } from '../../net/machine/namespace/namespace-place.ts';
import type { NetworkNamespace } from '../../net/machine/namespace/network-namespace.ts';
import type { FollowingPart } from './capture-watch.ts';

/** Calls back when names of namespaces come and go. @throws Error of the system */
type WatchNames = (onChange: () => void) => Pick<FSWatcher, 'close'>;

/**
 * Knows whether the namespace that was entered is still what the user named. It stays as long as we are in it, so the kernel tells
 * nothing of its end: that a name goes is seen at once, that a process has ended when the network changes, as it does when the
 * bridge of a container loses it, and when `doctor` asks.
 */
export class NamespaceWatch implements FollowingPart {
  readonly #namespace: Pick<EnteredNamespace, 'description' | 'isThere' | 'place'>;
  readonly #logger: Logger;
  #names: Pick<FSWatcher, 'close'> | undefined;
  #problem: CaptureProblem | undefined;

  constructor(
    namespace: Pick<EnteredNamespace, 'description' | 'isThere' | 'place'>,
    logger: Logger,
    watchNames: WatchNames = watchNamed,
  ) {
    this.#namespace = namespace;
    this.#logger = logger;
    if (namespace.place.kind !== 'name') return;
    try {
      this.#names = watchNames(() => this.#look());
    } catch {
      // Out of inotify's instances: it is looked at as that of a process is.
    }
  }

  /** That it is gone; empty as long as it is there. */
  get problems(): readonly CaptureProblem[] {
    return this.#problem === undefined ? [] : [this.#problem];
  }

  async tryAgain(): Promise<void> {
    this.#look();
  }

  /** Idempotent. */
  stop(): void {
    this.#names?.close();
    this.#names = undefined;
  }

  #look(): void {
    const { description, place } = this.#namespace;
    // One that comes later under its name is another one.
    if (this.#problem !== undefined || this.#namespace.isThere()) return;
    const why = place.kind === 'name' ? 'its name was removed (ip netns del)' : 'the process has ended';
    this.#problem = {
      cause: 'namespace-gone',
      what: `${description} is gone, ${why}: only what still runs in it is captured`,
      remedy: 'end this tunnel, and start it again once the namespace is there again',
    };
    this.#logger.warn(`${this.#problem.what} -> ${this.#problem.remedy}`);
  }
}

/** Watches the namespace that was entered; where there is none nothing. */
export function watchNamespace(
  namespace: NetworkNamespace | undefined,
  logger: Logger,
): FollowingPart & { stop(): void } {
  if (namespace?.kind === 'entered') return new NamespaceWatch(namespace, logger);
  return { problems: [], tryAgain: async () => {}, stop: () => {} };
}

const watchNamed: WatchNames = (onChange) => {
  const watcher = watch(NAMED_NAMESPACES, { persistent: false }, onChange);
  watcher.on('error', () => watcher.close());
  return watcher;
};
