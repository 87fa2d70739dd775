import type { Socket } from 'node:net';
import { type DescriptorBudget, type DescriptorUse, descriptorBudget } from './descriptor-budget.ts';

/** How many clients an ingress has at most, and who is told when there are more. */
export interface ClientBounds {
  readonly use: DescriptorUse;
  /** All of them. */
  readonly most: number;
  /** Those that wait for nothing. */
  readonly mostIdle: number;
  /** Called for each that was not admitted, after it has been ended. */
  readonly onRejected?: () => void;
  /** Called for each idle one that was ended for another. */
  readonly onIdleEnded?: () => void;
  /** How a client is ended so that it does not take it for an end of data; by a reset where left out, which only TCP has. */
  readonly end?: (client: Socket) => void;
  /** Tests have one of their own. */
  readonly budget?: DescriptorBudget;
}

/**
 * The clients of one ingress, so many at most.
 *
 *     admitted, idle ──busy()──> busy ──done(), as often──> idle ──one too many, for longest──> ended
 *
 * Clients that wait for nothing make room for others, the one that has done so for longest first: those that only sit there keep
 * nobody out, and take the descriptors of no other ingress.
 */
export class AdmittedClients {
  readonly #bounds: ClientBounds;
  readonly #budget: DescriptorBudget;
  /** How much each waits for. */
  readonly #tasks = new Map<Socket, number>();
  /** The one that has been idle for longest first. */
  readonly #idle = new Set<Socket>();

  constructor(bounds: ClientBounds) {
    this.#bounds = bounds;
    this.#budget = bounds.budget ?? descriptorBudget();
  }

  /** How many there are. */
  get size(): number {
    return this.#tasks.size;
  }

  /** Takes a client that has just connected, as an idle one. @returns false when there is no room for it: it has been ended */
  admit(client: Socket): boolean {
    const { use, most, mostIdle } = this.#bounds;
    if (this.#tasks.size >= most || this.#idle.size >= mostIdle) this.#endOldest();
    if (this.#tasks.size >= most || this.#budget.isBeyond(client, use)) {
      this.#end(client);
      this.#bounds.onRejected?.();
      return false;
    }
    this.#tasks.set(client, 0);
    this.#idle.add(client);
    client.once('close', () => this.#forget(client));
    return true;
  }

  /** A client waits for something of ours: it stays. To be taken back by {@link AdmittedClients.done}. */
  busy(client: Socket): void {
    const tasks = this.#tasks.get(client);
    if (tasks === undefined) return;
    this.#tasks.set(client, tasks + 1);
    this.#idle.delete(client);
  }

  /** A client has what it waited for. */
  done(client: Socket): void {
    const tasks = this.#tasks.get(client);
    if (tasks === undefined) return;
    this.#tasks.set(client, tasks - 1);
    if (tasks > 1) return;
    if (this.#idle.size >= this.#bounds.mostIdle) this.#endOldest();
    this.#idle.add(client);
  }

  /** An idle client has done something: it is not the next to go. */
  touch(client: Socket): void {
    if (this.#idle.delete(client)) this.#idle.add(client);
  }

  /** Ends those that wait for nothing: the ingress closes. */
  endIdle(): void {
    for (const client of [...this.#idle]) this.#end(client);
  }

  #endOldest(): void {
    const [oldest] = this.#idle;
    if (oldest === undefined) return;
    this.#end(oldest);
    this.#bounds.onIdleEnded?.();
  }

  #end(client: Socket): void {
    this.#forget(client);
    if (this.#bounds.end === undefined) client.resetAndDestroy();
    else this.#bounds.end(client);
  }

  #forget(client: Socket): void {
    this.#tasks.delete(client);
    this.#idle.delete(client);
  }
}
