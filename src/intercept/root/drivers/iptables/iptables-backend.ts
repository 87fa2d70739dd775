import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../../core/errors.ts';
import type { IpFamily } from '../../../../net/address/literal.ts';
import { RULESET_FAMILIES } from '../../../../net/native/netlink/ruleset-messages.ts';
import { inputDropsOfIptables } from '../../../rules/input-facts.ts';
import { renderIptables } from '../../../rules/iptables/iptables.ts';
import {
  countRules,
  iptablesChains,
  placeOfJump,
  renderIptablesMove,
  type SavedTunnel,
} from '../../../rules/iptables/iptables-chains.ts';
import { EarlierTunnels, isSameOwner, nextOrder, type OwnedPlan } from '../../../rules/redirect-plan.ts';
import {
  factsOfChains,
  factsOfIptables,
  parseListedChains,
  type RuleFacts,
  togetherOf,
} from '../../../rules/rule-facts.ts';
import { type Exposure, RefusedError, type RuleBackend } from '../backend/rule-backend.ts';
import { runTool } from '../backend/run-tool.ts';
import { mustNotLive } from '../backend/this-instance.ts';
import { runNft } from '../nft/run-nft.ts';
import type { IptablesTools } from './iptables-tools.ts';
import { removeTunnel, restore, savedTunnels } from './saved-tunnels.ts';
import { UdpRefusal } from './udp-refusal.ts';

/** Others need some 50 ms each to put theirs back. */
const ORDER_TRIES = 10;
const ORDER_RETRY_MS = 50;

/** Of the chain OUTPUT in the table nat (NF_IP_PRI_NAT_DST). */
const IPTABLES_PRIORITY = -100;

/** Holds the rules as chains in the nat table of each family, and those that refuse UDP in the filter table. They outlive this process unless it removes them. */
export class IptablesBackend implements RuleBackend {
  readonly #tools: readonly IptablesTools[];
  readonly #instance: string;
  readonly #earlier = new EarlierTunnels();
  /** Of the first rules, and kept by all that replace them. */
  #order = 1;
  #applied: OwnedPlan | undefined;
  /** The families that may have chains of ours; a tool of another family may not even work here. */
  readonly #touched = new Set<IpFamily>();
  /** How many rules the chains of a family must have, as far as that was asked for since the last change. */
  readonly #ruleCounts = new Map<IpFamily, number>();
  readonly #udp: UdpRefusal;

  /** @param tools one per family */
  constructor(tools: readonly IptablesTools[], instance: string) {
    this.#tools = tools;
    this.#instance = instance;
    this.#udp = new UdpRefusal(instance);
  }

  async apply(wanted: OwnedPlan): Promise<void> {
    const before = this.#applied;
    const others: SavedTunnel[] = [];
    for (const tools of this.#toolsFor(wanted.families)) {
      const saved = await savedTunnels(tools);
      const own = saved.find(({ owner }) => isSameOwner(owner, wanted));
      if (before === undefined) mustNotLive(own?.instance, this.#instance);
      others.push(...saved.filter((one) => one !== own));
    }
    if (before === undefined) this.#order = nextOrder(others.map(({ order }) => order));
    const ports = others.flatMap(({ exemptPorts }) => exemptPorts);
    const plan = this.#earlier.passedBy({ ...wanted, order: this.#order }, ports);
    this.#applied = plan;
    try {
      for (const tools of this.#toolsFor(plan.families)) await this.#applyFamily(tools, plan);
      await this.#udp.apply(this.#toolsFor(plan.families), plan);
    } catch (error) {
      await this.#restore(before);
      throw error;
    }
  }

  get exposure(): Exposure {
    const tools = this.#toolsFor([...this.#touched]);
    if (this.#applied === undefined || !tools.every(({ isNft }) => isNft)) return { kind: 'unannounced' };
    const { entry, groups, prerouting, incoming } = iptablesChains(this.#applied);
    const others = this.#applied.alsoFrom === null ? [] : ['PREROUTING', prerouting, incoming];
    const places = tools.map(({ family }) => ({
      family: RULESET_FAMILIES[family === 4 ? 'ip' : 'ip6'],
      table: 'nat',
      chains: ['OUTPUT', entry, groups, ...others],
    }));
    return { kind: 'announced', places: [...places, ...this.#udp.places(this.#applied)] };
  }

  async missing(): Promise<string | undefined> {
    const plan = this.#applied;
    if (plan === undefined) return undefined;
    for (const tools of this.#toolsFor(plan.families)) {
      const { entry, prerouting } = iptablesChains(plan);
      const saved = (await savedTunnels(tools)).find(({ owner }) => isSameOwner(owner, plan));
      if (saved === undefined) return `${tools.name}: the chain ${entry} is gone`;
      if (saved.place === undefined) return `${tools.name}: OUTPUT does not lead to ${entry} any more`;
      if (plan.alsoFrom !== null && !saved.isIncomingThere)
        return `${tools.name}: PREROUTING does not lead to ${prerouting} any more`;
      const wanted = this.#ruleCountOf(plan, tools.family);
      if (saved.ruleCount < wanted)
        return `${tools.name}: ${wanted - saved.ruleCount} of ${wanted} in ${entry}`;
    }
    return await this.#udp.missing(this.#toolsFor(plan.families), plan);
  }

  async putBack(): Promise<void> {
    const plan = this.#applied;
    if (plan === undefined) return;
    for (const tools of this.#toolsFor(plan.families)) {
      await this.#applyFamily(tools, plan);
      await this.#putInOrder(tools, plan);
    }
    await this.#udp.apply(this.#toolsFor(plan.families), plan);
  }

  async look(): Promise<RuleFacts> {
    const { userId = 0, listenerPort = 0, families = [] } = this.#applied ?? {};
    const { entry } = iptablesChains({ userId, listenerPort });
    const isForOthers = this.#applied !== undefined && this.#applied.alsoFrom !== null;
    const facts: RuleFacts[] = [];
    for (const { savePath, family } of this.#toolsFor(families)) {
      const saved = await runTool(savePath, []);
      if (saved.kind === 'refused') throw new RefusedError(saved.reason);
      const name = family === 4 ? 'ip' : 'ip6';
      const filter = /^\*filter$.*?^COMMIT$/ms.exec(saved.output)?.[0] ?? '';
      const inputDrops = isForOthers ? inputDropsOfIptables(filter, name, listenerPort) : [];
      facts.push({ ...factsOfIptables(saved.output, name, entry), inputDrops });
    }
    return togetherOf([...facts, ...this.#lookAtNft()]);
  }

  /** Others may have rules that iptables does not show. */
  #lookAtNft(): RuleFacts[] {
    const listed = runNft('list chains');
    if (listed?.kind !== 'done') return [];
    const found = factsOfChains(parseListedChains(listed.output), '', IPTABLES_PRIORITY - 1);
    return [{ ...found, ownRules: true, notrack: [], inputDrops: [], packetFilter: null }];
  }

  async remove(): Promise<void> {
    if (this.#applied === undefined) return;
    const owner = this.#applied;
    const refusals: string[] = [];
    await this.#udp.remove(this.#tools, owner).catch((error) => refusals.push(messageOf(error)));
    for (const tools of this.#toolsFor([...this.#touched])) {
      try {
        await removeTunnel(tools, owner);
        this.#touched.delete(tools.family);
      } catch (error) {
        refusals.push(`${tools.name}: ${messageOf(error)}`);
      }
    }
    if (refusals.length > 0) throw new RefusedError(refusals.join('; '));
    this.#applied = undefined;
  }

  close(): Promise<void> {
    return this.remove();
  }

  #ruleCountOf(plan: OwnedPlan, family: IpFamily): number {
    const options = { family, instance: this.#instance, jumpAt: 'there' } as const;
    const count = this.#ruleCounts.get(family) ?? countRules(renderIptables(plan, options));
    this.#ruleCounts.set(family, count);
    return count;
  }

  #toolsFor(families: readonly IpFamily[]): IptablesTools[] {
    return this.#tools.filter((tools) => families.includes(tools.family));
  }

  async #applyFamily(tools: IptablesTools, plan: OwnedPlan): Promise<void> {
    const { family } = tools;
    this.#touched.add(family);
    this.#ruleCounts.clear();
    const tunnels = await savedTunnels(tools);
    const own = tunnels.find(({ owner }) => isSameOwner(owner, plan));
    const jumpAt = own?.place === undefined ? (placeOfJump(plan, tunnels) ?? 1) : 'there';
    const isIncomingThere = own?.isIncomingThere === true;
    const options = { family, instance: this.#instance, jumpAt, isIncomingThere } as const;
    await restore(tools, renderIptables(plan, options));
  }

  /**
   * Other tunnels put their rules back in the same moment, each by what it saw before. Whoever has come or moved last sees how the two
   * stand, and moves.
   */
  async #putInOrder(tools: IptablesTools, plan: OwnedPlan): Promise<void> {
    for (let tries = 0; tries < ORDER_TRIES; tries += 1) {
      const tunnels = await savedTunnels(tools);
      const isThere = tunnels.some(({ owner, place }) => place !== undefined && isSameOwner(owner, plan));
      const place = placeOfJump(plan, tunnels);
      if (!isThere || place === undefined) return;
      // What it was to stand behind may have gone meanwhile.
      await restore(tools, renderIptablesMove(plan, place)).catch(() => {});
      await delay(ORDER_RETRY_MS);
    }
  }

  async #restore(before: OwnedPlan | undefined): Promise<void> {
    if (before === undefined) return await this.remove();
    for (const tools of this.#toolsFor(before.families)) await this.#applyFamily(tools, before);
    await this.#udp.apply(this.#toolsFor(before.families), before);
    this.#applied = before;
  }
}
