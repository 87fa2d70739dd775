import type { OwnedPlan } from '../../rules/redirect-plan.ts';
import { RefusedError, type RuleBackend } from '../backend/rule-backend.ts';
import { log } from '../helper-log.ts';

/** What {@link UdpPolicyApplier} needs. */
interface UdpPolicyContext {
  readonly portsInUse: () => Promise<readonly number[]>;
  /** Tells the client's log. */
  readonly warn?: (message: string) => void;
}

/**
 * Applies plans to a backend, with what refusing UDP needs to know of the machine. A system that cannot refuse captures all the same:
 * then UDP is left alone, which is told once.
 */
export class UdpPolicyApplier {
  readonly #context: UdpPolicyContext;
  /** Of the sockets that were there before the first rules. */
  #inUse: readonly number[] | undefined;
  #cannotRefuse = false;

  constructor(context: UdpPolicyContext) {
    this.#context = context;
  }

  /** @throws RefusedError */
  async apply(backend: RuleBackend, plan: OwnedPlan): Promise<void> {
    if (plan.udp === 'direct') return await backend.apply(plan);
    const leftAlone: OwnedPlan = { ...plan, udp: 'direct' };
    if (this.#cannotRefuse) return await backend.apply(leftAlone);
    this.#inUse ??= await this.#context.portsInUse();
    try {
      await backend.apply({ ...plan, udpInUse: this.#inUse });
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      // What is refused for another reason is refused now, too.
      await backend.apply(leftAlone);
      this.#cannotRefuse = true;
      const { warn = (message: string) => log('warn', message) } = this.#context;
      warn(`UDP to captured networks is not refused (--udp reject), it leaves directly: ${error.message}`);
    }
  }
}
