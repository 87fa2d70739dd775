import type { IpFamily } from '../../../../net/address/literal.ts';
import { RULESET_FAMILIES } from '../../../../net/native/netlink/ruleset-messages.ts';
import { countRules, iptablesChains } from '../../../rules/iptables/iptables-chains.ts';
import { renderIptablesRefusal } from '../../../rules/iptables/iptables-udp.ts';
import { isSameOwner, type OwnedPlan } from '../../../rules/redirect-plan.ts';
import type { RulePlace } from '../backend/rule-backend.ts';
import type { IptablesTools } from './iptables-tools.ts';
import { removeTunnel, restore, savedTunnels } from './saved-tunnels.ts';

const TABLE = 'filter';

/** Holds the chains that refuse UDP, as a plan says, in the filter table of each family; it is not even read where none does. */
export class UdpRefusal {
  readonly #instance: string;
  /** The families that may have chains of ours. */
  readonly #touched = new Set<IpFamily>();

  constructor(instance: string) {
    this.#instance = instance;
  }

  /** @param tools one for each family of the plan. @throws RefusedError */
  async apply(tools: readonly IptablesTools[], plan: OwnedPlan): Promise<void> {
    if (plan.udp !== 'reject') return await this.remove(tools, plan);
    for (const one of tools) {
      this.#touched.add(one.family);
      const own = (await savedTunnels(one, TABLE)).find(({ owner }) => isSameOwner(owner, plan));
      const jumpAt = own !== undefined && own.jumps.length > 0 ? 'there' : 1;
      await restore(one, renderIptablesRefusal(plan, { ...this.#options(one), jumpAt }));
    }
  }

  /** What of them is not in the kernel any more, for people. @throws RefusedError */
  async missing(tools: readonly IptablesTools[], plan: OwnedPlan): Promise<string | undefined> {
    const { entry } = iptablesChains(plan);
    for (const one of tools.filter(({ family }) => this.#touched.has(family))) {
      const saved = (await savedTunnels(one, TABLE)).find(({ owner }) => isSameOwner(owner, plan));
      const wanted = countRules(renderIptablesRefusal(plan, { ...this.#options(one), jumpAt: 'there' }));
      if (saved === undefined || saved.jumps.length === 0 || saved.ruleCount < wanted)
        return `${one.name}: those of ${entry} in the table ${TABLE}, which refuse UDP`;
    }
    return undefined;
  }

  /** Where the kernel has them. */
  places(plan: OwnedPlan): readonly RulePlace[] {
    const { entry, groups } = iptablesChains(plan);
    return [...this.#touched].map((family) => ({
      family: RULESET_FAMILIES[family === 4 ? 'ip' : 'ip6'],
      table: TABLE,
      chains: ['OUTPUT', entry, groups],
    }));
  }

  /** Idempotent. @throws RefusedError */
  async remove(tools: readonly IptablesTools[], plan: OwnedPlan): Promise<void> {
    for (const one of tools.filter(({ family }) => this.#touched.has(family))) {
      await removeTunnel(one, plan, TABLE);
      this.#touched.delete(one.family);
    }
  }

  #options({ family }: IptablesTools) {
    return { family, instance: this.#instance } as const;
  }
}
