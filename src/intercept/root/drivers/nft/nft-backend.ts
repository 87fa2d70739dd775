import type { Endpoint } from '../../../../net/address/endpoint.ts';
import { RULESET_FAMILIES } from '../../../../net/native/netlink/ruleset-messages.ts';
import type { NftContext } from '../../../../net/native/nftables.ts';
import type { LookUp } from '../../../../net/sockets/redirected-connection.ts';
import { admitsRedirected, chainsOfTable, inputChains, refusesRest } from '../../../rules/input-facts.ts';
import {
  FIRST_GENERATION,
  type NftTableOptions,
  nftTable,
  renderNft,
  renderNftAnnouncement,
  renderNftMaps,
  renderNftRemoval,
  renderNftStale,
  renderNftSwitch,
  TABLE_PREFIX,
} from '../../../rules/nft/nft.ts';
import { incomingRules } from '../../../rules/nft/nft-incoming-chains.ts';
import { countNftRules, parseNftChains, parseNftExemptPorts } from '../../../rules/nft/nft-listing.ts';
import { orderAt, priorityOf, renderOutput } from '../../../rules/nft/nft-output-chain.ts';
import { refusalChains, renderCapture } from '../../../rules/nft/nft-udp.ts';
import {
  EarlierTunnels,
  formatRuleOwner,
  nextOrder,
  type OwnedPlan,
  type RuleOwner,
} from '../../../rules/redirect-plan.ts';
import {
  chainsBeforeTracking,
  factsOfChains,
  type ListedChains,
  leavesUntracked,
  nameOf,
  parseListedChains,
  type RuleFacts,
} from '../../../rules/rule-facts.ts';
import { type Exposure, RefusedError, type RuleBackend } from '../backend/rule-backend.ts';
import { shorten } from '../backend/run-tool.ts';
import { mustNotLive } from '../backend/this-instance.ts';
import { DatagramDestinations } from './datagram-destinations.ts';

/** Holds the rules as one nft table, by libnftables in this process. Owns its context. */
export class NftBackend implements RuleBackend {
  readonly #context: NftContext;
  readonly #lifetime: NftTableOptions['lifetime'];
  readonly #instance: string;
  readonly #earlier = new EarlierTunnels();
  /** Of the first rules, and kept by all that replace them. */
  #order = 1;
  #isAnnounced = false;
  readonly #destinations = new DatagramDestinations();
  /** What is in the kernel. */
  #applied: AppliedPlan | undefined;

  constructor(context: NftContext, lifetime: NftTableOptions['lifetime'], instance: string) {
    this.#context = context;
    this.#lifetime = lifetime;
    this.#instance = instance;
  }

  async apply(wanted: OwnedPlan): Promise<void> {
    const isFirst = this.#applied === undefined;
    const lifetime = this.#lifetime;
    // The kernel itself lets nobody replace a table of another process's, nor remove one.
    if (isFirst && lifetime === 'until-removed') this.#takePlace(wanted);
    const ordered = { ...wanted, order: this.#order };
    const plan = wanted.dns === null && !isFirst ? ordered : this.#passEarlierTunnels(ordered);
    if (this.#applied === undefined) {
      this.#run(renderNft(plan, this.#tableOptions()));
      this.#isAnnounced = false;
      this.#applied = { plan, generation: FIRST_GENERATION };
      return;
    }
    const before = this.#applied;
    const next = { plan, lifetime, generation: before.generation + 1 };
    this.#run(renderNftMaps(next));
    try {
      this.#run(renderNftSwitch(next, before.plan));
    } catch (error) {
      this.#removeMaps(next);
      throw error;
    }
    this.#applied = next;
    this.#removeMaps(before);
  }

  /** Makes the table without a rule, for a mark that its first rules will have. @throws RefusedError */
  announce(plan: OwnedPlan): void {
    this.#run(renderNftAnnouncement(plan, this.#tableOptions()));
    this.#isAnnounced = true;
  }

  #tableOptions(): NftTableOptions {
    return { instance: this.#instance, lifetime: this.#lifetime, isAnnounced: this.#isAnnounced };
  }

  get exposure(): Exposure {
    if (this.#lifetime === 'owner' || this.#applied === undefined) return { kind: 'owned' };
    const { plan, generation } = this.#applied;
    const table = `${TABLE_PREFIX}${formatRuleOwner(plan)}`;
    return {
      kind: 'announced',
      places: [{ family: RULESET_FAMILIES.inet, table, chains: [...leadingChains(plan, generation).keys()] }],
    };
  }

  async missing(): Promise<string | undefined> {
    if (this.#applied === undefined) return undefined;
    const { plan, generation } = this.#applied;
    const table = nftTable(plan);
    for (const [chain, wanted] of leadingChains(plan, generation)) {
      const listing = this.#listIfAny(`chain ${table} ${chain}`);
      if (listing === '') return `nft: the chain ${chain} of the table ${table} is gone`;
      if (countNftRules(listing) < wanted) return `nft: those of the chain ${chain} of the table ${table}`;
    }
    return undefined;
  }

  async putBack(): Promise<void> {
    if (this.#applied === undefined) return;
    const { plan } = this.#applied;
    this.#run(renderNft(plan, this.#tableOptions()));
    this.#applied = { plan, generation: FIRST_GENERATION };
  }

  async look(): Promise<RuleFacts> {
    const table = nftTable(this.#applied?.plan ?? { userId: 0, listenerPort: 0 });
    const chains = parseListedChains(this.#listIfAny('chains'));
    const notrack: string[] = [];
    for (const chain of chainsBeforeTracking(chains)) {
      if (leavesUntracked(this.#listForeign(`chain ${nameOf(chain)}`))) notrack.push(nameOf(chain));
    }
    const own = this.#listIfAny(`chain ${table} output`);
    const ownRules = own.includes(' vmap ');
    const priority = priorityOf({ order: this.#order });
    const inputDrops = this.#inputDrops(chains, table);
    return { ...factsOfChains(chains, table, priority), ownRules, notrack, inputDrops, packetFilter: null };
  }

  /** Of datagrams: of a connection its socket tells. */
  async lookUp(sources: readonly Endpoint[]): Promise<readonly LookUp[]> {
    const plan = this.#applied?.plan;
    if (plan?.udp !== 'relay') return sources.map(() => ({ kind: 'refused' }));
    return this.#destinations.lookUp(sources, plan.listenerPort);
  }

  #inputDrops(chains: ListedChains, own: string): readonly string[] {
    const plan = this.#applied?.plan;
    if (plan === undefined || plan.alsoFrom === null) return [];
    return inputChains(chains, own).flatMap((chain) => {
      if (!refusesRest(chain, this.#listForeign(`chain ${nameOf(chain)}`))) return [];
      const rules = chainsOfTable(chains, chain).map((name) => this.#listForeign(`chain ${name}`));
      return admitsRedirected(rules.join('\n'), plan.listenerPort) ? [] : [nameOf(chain)];
    });
  }

  /** Empty where nft cannot say it. A name in a listing is somebody else's word: nft would take more than one for more than that. */
  #listForeign(what: string): string {
    if (!/^[\w.+/-]+(?: [\w.+/-]+)*$/.test(what)) return '';
    const result = this.#context.run(`list ${what}`, 'commit');
    return result.kind === 'done' ? result.output : '';
  }

  /** What `nft list` prints; empty where that is not there. @throws RefusedError */
  #listIfAny(what: string): string {
    try {
      return this.#run(`list ${what}`);
    } catch (error) {
      if (error instanceof RefusedError && error.message.includes('No such file or directory')) return '';
      throw error;
    }
  }

  /** One transaction, or one question. @returns what nft prints @throws RefusedError with nft's text; nothing has changed then */
  #run(text: string): string {
    const result = this.#context.run(text, 'commit');
    if (result.kind === 'refused') throw new RefusedError(shorten(result.reason));
    return result.output;
  }

  async remove(): Promise<void> {
    // What was announced alone goes with the context.
    if (this.#applied === undefined) return;
    this.#run(renderNftRemoval(this.#applied.plan));
    this.#applied = undefined;
  }

  async close(): Promise<void> {
    try {
      await this.remove();
    } finally {
      this.#destinations.close();
      this.#context.close();
    }
  }

  /** @throws RefusedError where another instance, which lives, has a table of this name */
  #takePlace(owner: RuleOwner): void {
    const listing = this.#run('list chains inet');
    const tables = parseNftChains(listing);
    const own = tables.find((table) => nftTable(table.owner) === nftTable(owner));
    mustNotLive(own?.instance, this.#instance);
    const others = parseListedChains(listing).base.filter(
      ({ table, name }) =>
        name === OUTPUT_CHAIN && tables.some((one) => one !== own && nftTable(one.owner) === `inet ${table}`),
    );
    this.#order = nextOrder(others.map(({ priority }) => orderAt(priority)));
  }

  #passEarlierTunnels(plan: OwnedPlan): OwnedPlan {
    const portsOf = parseNftExemptPorts(this.#run('list sets inet'));
    const others = [...portsOf].flatMap(([table, ports]) => (table === nftTable(plan) ? [] : ports));
    return this.#earlier.passedBy(plan, others);
  }

  #removeMaps(plan: AppliedPlan): void {
    const text = renderNftStale(plan);
    if (text !== '') this.#run(text);
  }
}

/** The chain that decides about this machine's own connections, as {@link renderNft} makes it. */
const OUTPUT_CHAIN = 'output';

/** The chains whose rules redirect connections to us, and how many each has. */
function leadingChains(plan: OwnedPlan, generation: number): ReadonlyMap<string, number> {
  const incoming = [...incomingRules(plan, generation)].map(
    ([chain, { length }]) => [chain, length] as const,
  );
  return new Map([
    [OUTPUT_CHAIN, countNftRules(renderOutput(plan, generation).join('\n'))],
    ['capture', countNftRules(renderCapture(plan).join('\n'))],
    ...refusalChains(plan).map((name) => [name, 1] as const),
    ...incoming,
  ]);
}

/** A plan whose maps are in the kernel, and the number in their names. */
interface AppliedPlan {
  readonly plan: OwnedPlan;
  readonly generation: number;
}
