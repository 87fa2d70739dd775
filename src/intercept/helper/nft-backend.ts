import type { Endpoint } from '../../net/endpoint.ts';
import {
  FIRST_GENERATION,
  nftTable,
  renderNft,
  renderNftExempt,
  renderNftMaps,
  renderNftRemoval,
  renderNftStale,
  renderNftSwitch,
} from '../nft.ts';
import { parseNftExemptPorts } from '../nft-listing.ts';
import { HOOK_PRIORITY } from '../nft-output-chain.ts';
import { passingOtherTunnels, type RedirectPlan } from '../redirect-plan.ts';
import {
  chainsBeforeTracking,
  factsOfChains,
  leavesUntracked,
  nameOf,
  parseListedChains,
  type RuleFacts,
} from '../rule-facts.ts';
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

  async look(): Promise<RuleFacts> {
    const table = nftTable(this.#applied?.plan.listenerPort ?? 0);
    const chains = parseListedChains(await this.#list('chains'));
    const notrack: string[] = [];
    for (const chain of chainsBeforeTracking(chains)) {
      if (leavesUntracked(await this.#list(`chain ${nameOf(chain)}`))) notrack.push(nameOf(chain));
    }
    const own = await this.#list(`chain ${table} output`);
    const ownRules = own.includes(' vmap ');
    return { ...factsOfChains(chains, table, HOOK_PRIORITY), ownRules, notrack };
  }

  /** Empty where that is not there. */
  async #list(what: string): Promise<string> {
    // A name in the listing is somebody else's word: nft would take more than one for more than a name.
    if (!/^[\w.+/-]+(?: [\w.+/-]+)*$/.test(what)) return '';
    return await this.#executor.list(what).catch(() => '');
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
    const portsOf = parseNftExemptPorts(await this.#executor.list('sets inet'));
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
