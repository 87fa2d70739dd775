import type { Endpoint } from '../../net/endpoint.ts';
import { renderNft, renderNftExempt, renderNftRemoval } from '../nft.ts';
import type { RedirectPlan } from '../redirect-plan.ts';
import type { NftExecutor } from './nft-executor.ts';
import type { RuleBackend } from './rule-backend.ts';

/** Holds the rules as one nft table, through whichever executor there is. Owns the executor. */
export class NftBackend implements RuleBackend {
  readonly lost: Promise<string>;
  readonly #executor: NftExecutor;
  readonly #instance: string;
  /** The plan whose table is in the kernel. */
  #applied: RedirectPlan | undefined;

  constructor(executor: NftExecutor, instance: string) {
    this.#executor = executor;
    this.#instance = instance;
    this.lost = executor.lost;
  }

  async apply(plan: RedirectPlan): Promise<void> {
    const text = renderNft(plan, {
      instance: this.#instance,
      lifetime: this.#executor.lifetime,
      before: this.#applied === undefined ? 'unknown' : 'ours',
    });
    await this.#executor.run(text);
    this.#applied = plan;
  }

  async setExempt(endpoints: readonly Endpoint[]): Promise<void> {
    if (this.#applied !== undefined) await this.#executor.run(renderNftExempt(this.#applied, endpoints));
  }

  async remove(): Promise<void> {
    if (this.#applied === undefined) return;
    await this.#executor.run(renderNftRemoval(this.#applied.listenerPort));
    this.#applied = undefined;
  }

  async close(): Promise<void> {
    try {
      await this.remove();
    } finally {
      await this.#executor.close();
    }
  }
}
