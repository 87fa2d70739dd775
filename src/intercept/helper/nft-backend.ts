import type { Endpoint } from '../../net/endpoint.ts';
import {
  FIRST_GENERATION,
  renderNft,
  renderNftExempt,
  renderNftMaps,
  renderNftRemoval,
  renderNftStale,
  renderNftSwitch,
} from '../nft.ts';
import { parseNftExemptPorts } from '../nft-listing.ts';
import { passingOtherTunnels, type RedirectPlan } from '../redirect-plan.ts';
import type { NftExecutor } from './nft-executor.ts';
import type { RuleBackend } from './rule-backend.ts';

/** Holds the rules as one nft table, through whichever executor there is. Owns the executor. */
export class NftBackend implements RuleBackend {
  readonly lost: Promise<string>;
  readonly #executor: NftExecutor;
  readonly #instance: string;
  /** What is in the kernel. */
  #applied: AppliedPlan | undefined;

  constructor(executor: NftExecutor, instance: string) {
    this.#executor = executor;
    this.#instance = instance;
    this.lost = executor.lost;
  }

  async apply(wanted: RedirectPlan): Promise<void> {
    const plan = wanted.dns === null ? wanted : await this.#passOtherTunnels(wanted);
    const { lifetime } = this.#executor;
    if (this.#applied === undefined) {
      await this.#executor.run(renderNft(plan, { instance: this.#instance, lifetime }));
      this.#applied = { plan, generation: FIRST_GENERATION };
      return;
    }
    const before = this.#applied;
    const next = { plan, lifetime, generation: before.generation + 1 };
    await this.#executor.run(renderNftMaps(next));
    try {
      await this.#executor.run(renderNftSwitch(next));
    } catch (error) {
      await this.#removeMaps(next);
      throw error;
    }
    this.#applied = next;
    await this.#removeMaps(before);
  }

  async setExempt(endpoints: readonly Endpoint[]): Promise<void> {
    if (this.#applied !== undefined) await this.#executor.run(renderNftExempt(this.#applied.plan, endpoints));
  }

  async remove(): Promise<void> {
    if (this.#applied === undefined) return;
    await this.#executor.run(renderNftRemoval(this.#applied.plan.listenerPort));
    this.#applied = undefined;
  }

  async close(): Promise<void> {
    try {
      await this.remove();
    } finally {
      await this.#executor.close();
    }
  }

  async #passOtherTunnels(plan: RedirectPlan): Promise<RedirectPlan> {
    const portsOf = parseNftExemptPorts(await this.#executor.listSets());
    const others = [...portsOf].flatMap(([listener, ports]) => (listener === plan.listenerPort ? [] : ports));
    return passingOtherTunnels(plan, others);
  }

  async #removeMaps(plan: AppliedPlan): Promise<void> {
    const text = renderNftStale(plan);
    if (text !== '') await this.#executor.run(text);
  }
}

/** A plan whose maps are in the kernel, and the number in their names. */
interface AppliedPlan {
  readonly plan: RedirectPlan;
  readonly generation: number;
}
