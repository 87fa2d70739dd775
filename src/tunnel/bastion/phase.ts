import type { TunnelState, WaitReason } from '../status/state.ts';
import type { Connections } from './connections.ts';
import type { RunningAttempt } from './running-attempt.ts';

/** Where a `LifeCycle` is, with what it has open for it. See {@link TunnelState}, which is what is shown of it. */
export type Phase =
  | { readonly kind: 'up'; readonly connections: Connections; readonly sinceMs: number }
  | { readonly kind: 'connecting'; readonly attempt: RunningAttempt }
  | { readonly kind: 'waiting'; readonly for: WaitReason; readonly timer: NodeJS.Timeout | undefined }
  | { readonly kind: 'stopped' };

/** The phase there is now. Owns its timer, and tells each change of it. */
export class CurrentPhase {
  readonly #listeners = new Set<() => void>();
  #phase: Phase;
  #state: TunnelState;

  constructor(first: Phase) {
    this.#phase = first;
    this.#state = stateOf(first);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** What is shown of it; the same object until the next change. */
  get state(): TunnelState {
    return this.#state;
  }

  /** Has `listener` called after each change. @returns what ends that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Leaves the phase before, whose timer will not fire any more. */
  enter(phase: Phase): void {
    if (this.#phase.kind === 'waiting') clearTimeout(this.#phase.timer);
    this.#phase = phase;
    this.#state = stateOf(phase);
    for (const listener of this.#listeners) listener();
  }

  /** Enters a wait. @param timer ends it; without one something else does */
  wait(reason: WaitReason, timer?: NodeJS.Timeout): void {
    this.enter({ kind: 'waiting', for: reason, timer });
  }
}

function stateOf(phase: Phase): TunnelState {
  const sinceMs = Date.now();
  return phase.kind === 'waiting'
    ? { kind: 'waiting', sinceMs, for: phase.for }
    : { kind: phase.kind, sinceMs };
}
