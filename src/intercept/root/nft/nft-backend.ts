import type { Endpoint } from '../../../net/address/endpoint.ts';
import { RULESET_FAMILIES } from '../../../net/native/netlink/ruleset-messages.ts';
import {
  FIRST_GENERATION,
  nftTable,
  renderNft,
  renderNftExempt,
  renderNftMaps,
  renderNftRemoval,
  renderNftStale,
  renderNftSwitch,
  TABLE_PREFIX,
} from '../../rules/nft/nft.ts';
import { countNftRules, parseNftChains, parseNftExemptPorts } from '../../rules/nft/nft-listing.ts';
import { HOOK_PRIORITY, renderOutput } from '../../rules/nft/nft-output-chain.ts';
import { EarlierTunnels, formatRuleOwner, type OwnedPlan } from '../../rules/redirect-plan.ts';
import {
  chainsBeforeTracking,
  factsOfChains,
  leavesUntracked,
  nameOf,
  parseListedChains,
  type RuleFacts,
} from '../../rules/rule-facts.ts';
import { type Exposure, RefusedError, type RuleBackend } from '../backend/rule-backend.ts';
import { mustNotLive } from '../backend/this-instance.ts';
import type { NftExecutor } from './nft-executor.ts';

/** Holds the rules as one nft table, through whichever executor there is. Owns the executor. */
export class NftBackend implements RuleBackend {
  readonly lost: Promise<string>;
  readonly #executor: NftExecutor;
  readonly #instance: string;
  readonly #earlier = new EarlierTunnels();
  /** What is in the kernel. */
  #applied: AppliedPlan | undefined;

  constructor(executor: NftExecutor, instance: string) {
    this.#executor = executor;
    this.#instance = instance;
    this.lost = executor.lost;
  }

  async apply(wanted: OwnedPlan): Promise<void> {
    const isFirst = this.#applied === undefined;
    const plan = wanted.dns === null && !isFirst ? wanted : await this.#passEarlierTunnels(wanted);
    const { lifetime } = this.#executor;
    if (this.#applied === undefined) {
      // The kernel itself lets nobody replace a table of another process's.
      if (lifetime === 'until-removed') await this.#refuseLiving(plan);
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
    if (this.#applied === undefined) return;
    const { plan, generation } = this.#applied;
    await this.#executor.run(renderNftExempt(plan, endpoints));
    this.#applied = { plan: { ...plan, exempt: endpoints }, generation };
  }

  get exposure(): Exposure {
    if (this.#executor.lifetime === 'owner' || this.#applied === undefined) return { kind: 'owned' };
    const table = `${TABLE_PREFIX}${formatRuleOwner(this.#applied.plan)}`;
    return { kind: 'announced', places: [{ family: RULESET_FAMILIES.inet, table, chains: LEADING_CHAINS }] };
  }

  async missing(): Promise<string | undefined> {
    if (this.#applied === undefined) return undefined;
    const { plan, generation } = this.#applied;
    const table = nftTable(plan);
    const wanted = [countNftRules(renderOutput(plan, generation).join('\n')), 1];
    for (const [index, chain] of LEADING_CHAINS.entries()) {
      const listing = await this.#executor.list(`chain ${table} ${chain}`).catch(noSuchFile);
      if (listing === undefined) return `nft: the chain ${chain} of the table ${table} is gone`;
      if (countNftRules(listing) < wanted[index]!)
        return `nft: those of the chain ${chain} of the table ${table}`;
    }
    return undefined;
  }

  async putBack(): Promise<void> {
    if (this.#applied === undefined) return;
    const { plan } = this.#applied;
    await this.#executor.run(
      renderNft(plan, { instance: this.#instance, lifetime: this.#executor.lifetime }),
    );
    this.#applied = { plan, generation: FIRST_GENERATION };
  }

  async look(): Promise<RuleFacts> {
    const table = nftTable(this.#applied?.plan ?? { userId: 0, listenerPort: 0 });
    const chains = parseListedChains(await this.#list('chains'));
    const notrack: string[] = [];
    for (const chain of chainsBeforeTracking(chains)) {
      if (leavesUntracked(await this.#list(`chain ${nameOf(chain)}`))) notrack.push(nameOf(chain));
    }
    const own = await this.#list(`chain ${table} output`);
    const ownRules = own.includes(' vmap ');
    return { ...factsOfChains(chains, table, HOOK_PRIORITY), ownRules, notrack, packetFilter: null };
  }

  /** Empty where that is not there. */
  async #list(what: string): Promise<string> {
    // A name in the listing is somebody else's word: nft would take more than one for more than a name.
    if (!/^[\w.+/-]+(?: [\w.+/-]+)*$/.test(what)) return '';
    return await this.#executor.list(what).catch(() => '');
  }

  async remove(): Promise<void> {
    if (this.#applied === undefined) return;
    await this.#executor.run(renderNftRemoval(this.#applied.plan));
    this.#applied = undefined;
  }

  async close(): Promise<void> {
    try {
      await this.remove();
    } finally {
      await this.#executor.close();
    }
  }

  async #refuseLiving(plan: OwnedPlan): Promise<void> {
    const tables = parseNftChains(await this.#executor.list('chains inet'));
    const own = tables.find(({ owner }) => nftTable(owner) === nftTable(plan));
    mustNotLive(own?.instance, this.#instance);
  }

  async #passEarlierTunnels(plan: OwnedPlan): Promise<OwnedPlan> {
    const portsOf = parseNftExemptPorts(await this.#executor.list('sets inet'));
    const others = [...portsOf].flatMap(([table, ports]) => (table === nftTable(plan) ? [] : ports));
    return this.#earlier.passedBy(plan, others);
  }

  async #removeMaps(plan: AppliedPlan): Promise<void> {
    const text = renderNftStale(plan);
    if (text !== '') await this.#executor.run(text);
  }
}

/** The chains whose rules lead connections to us, as {@link renderNft} makes them. */
const LEADING_CHAINS = ['output', 'capture'] as const;

/** Nothing where nft says ENOENT in its words. @throws what else it says */
function noSuchFile(error: unknown): undefined {
  if (error instanceof RefusedError && error.message.includes('No such file or directory')) return undefined;
  throw error;
}

/** A plan whose maps are in the kernel, and the number in their names. */
interface AppliedPlan {
  readonly plan: OwnedPlan;
  readonly generation: number;
}
