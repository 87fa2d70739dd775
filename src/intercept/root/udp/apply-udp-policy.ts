import type { OwnedPlan } from '../../rules/redirect-plan.ts';
import { RefusedError, type RuleBackend } from '../drivers/backend/rule-backend.ts';

/** What {@link UdpPolicyApplier} needs. */
interface UdpPolicyContext {
  readonly portsInUse: () => Promise<readonly number[]>;
}

/**
 * Applies plans to a backend, with what refusing UDP needs to know of the machine. A system that cannot refuse captures all the same:
 * then UDP is left alone.
 */
export class UdpPolicyApplier {
  readonly #context: UdpPolicyContext;
  /** Of the sockets that were there before the first rules. */
  #inUse: readonly number[] | undefined;
  #whyUdpLeaves: string | undefined;

  constructor(context: UdpPolicyContext) {
    this.#context = context;
  }

  /** Why this system cannot refuse, for people; undefined as far as it can, or was not asked to. */
  get whyUdpLeaves(): string | undefined {
    return this.#whyUdpLeaves;
  }

  /** @throws RefusedError */
  async apply(backend: RuleBackend, plan: OwnedPlan): Promise<void> {
    if (plan.udp === 'direct') return await backend.apply(plan);
    const leftAlone: OwnedPlan = { ...plan, udp: 'direct' };
    if (this.#whyUdpLeaves !== undefined) return await backend.apply(leftAlone);
    this.#inUse ??= await this.#context.portsInUse();
    try {
      await backend.apply({ ...plan, udpInUse: this.#inUse });
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      // What is refused for another reason is refused now, too.
      await backend.apply(leftAlone);
      this.#whyUdpLeaves = error.message;
    }
  }
}
