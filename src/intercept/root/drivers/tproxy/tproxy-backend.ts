import { messageOf } from '../../../../core/errors.ts';
import type { IpFamily } from '../../../../net/address/literal.ts';
import {
  MARKED_ROUTES,
  openMarkedRouteMessages,
} from '../../../../net/native/netlink/marked-route-messages.ts';
import { AF_OF, type MarkedRoute, type MarkedRoutes } from '../../../../net/native/netlink/marked-routes.ts';
import type { OwnedPlan } from '../../../rules/redirect-plan.ts';
import type { RuleFacts } from '../../../rules/rule-facts.ts';
import {
  areConfused,
  FREE_MARKS,
  formatBits,
  markOfBits,
  markTable,
  type PacketMark,
  ROUTING_PRIORITY,
} from '../../../rules/tproxy/packet-mark.ts';
import { type Exposure, RefusedError, type RuleBackend } from '../backend/rule-backend.ts';

/** What holds the table: `NftBackend`, and its way to make one that only says whose mark is whose. */
export interface TableHolder extends RuleBackend {
  /** Makes a table that captures nothing and names the mark. @throws RefusedError */
  announce(plan: OwnedPlan): void;
}

/** The route of a mark in one family. */
export function markedRoute({ mark, mask }: PacketMark, family: IpFamily): MarkedRoute {
  return { family, mark, mask, priority: ROUTING_PRIORITY, table: markTable({ mark }) };
}

/**
 * Holds an nft table that marks what it captures, and the routes of the mark. Owns both.
 *
 *     no mark --apply--> table names one that seems free --route is ours--> has it --> apply the plan
 *                          ^                               └─ taken ─┐
 *                          └────────── the next one ─────────────────┘
 *
 * The table comes first: whoever cleans up takes a route whose mark no table names for one that was left.
 */
export class TproxyBackend implements RuleBackend {
  /** The table nobody else can remove, the routes anybody who is root: systemd-networkd does, when it starts. */
  readonly exposure: Exposure = {
    kind: 'announced',
    places: Object.values(AF_OF).map((family) => ({ family, table: MARKED_ROUTES, chains: [] })),
    openMessages: openMarkedRouteMessages,
  };
  readonly #table: TableHolder;
  readonly #routes: MarkedRoutes;
  #mark: PacketMark | undefined;
  readonly #claimed = new Set<IpFamily>();

  constructor(table: TableHolder, routes: MarkedRoutes) {
    this.#table = table;
    this.#routes = routes;
  }

  async apply(plan: OwnedPlan): Promise<void> {
    const mark = this.#mark ?? this.#takeMark(plan);
    await this.putBack();
    for (const family of plan.families) {
      if (!this.#claimed.has(family) && !this.#claim(mark, family))
        throw new RefusedError(`another tunnel has the mark for IPv${family}`);
    }
    await this.#table.apply({ ...plan, diversion: mark });
  }

  async missing(): Promise<string | undefined> {
    const gone = this.#claimedRoutes().filter((route) => asRefusal(() => !this.#routes.leadsHere(route)));
    const [first] = gone;
    if (first === undefined) return undefined;
    const families = gone.map(({ family }) => `ip -${family}`).join(', ');
    return `${families}: the rule or the route for packets with mark ${formatBits(first.mark)}`;
  }

  async putBack(): Promise<void> {
    for (const route of this.#claimedRoutes()) asRefusal(() => this.#routes.restore(route));
  }

  look(): Promise<RuleFacts> {
    return this.#table.look();
  }

  async remove(): Promise<void> {
    await this.#table.remove();
    this.#release();
  }

  async close(): Promise<void> {
    try {
      await this.#table.close();
      this.#release();
    } finally {
      this.#routes.close();
    }
  }

  /** @throws RefusedError when none is free */
  #takeMark(plan: OwnedPlan): PacketMark {
    const wanted = plan.tmark === null ? FREE_MARKS : [markOfBits(plan.tmark)];
    const taken = asRefusal(() => this.#routes.all());
    for (const mark of wanted) {
      if (taken.some((other) => areConfused(mark, other))) continue;
      this.#table.announce({ ...plan, diversion: mark });
      this.#mark = mark;
      try {
        if (plan.families.every((family) => this.#claim(mark, family))) return mark;
      } catch (error) {
        this.#release();
        throw error;
      }
      this.#release();
    }
    throw new RefusedError(
      plan.tmark === null
        ? `${FREE_MARKS.length} tunnels have all marks that there are`
        : 'another tunnel has these bits of the mark; give others with --tmark',
    );
  }

  #claimedRoutes(): readonly MarkedRoute[] {
    const mark = this.#mark;
    return mark === undefined ? [] : [...this.#claimed].map((family) => markedRoute(mark, family));
  }

  #claim(mark: PacketMark, family: IpFamily): boolean {
    if (asRefusal(() => this.#routes.claim(markedRoute(mark, family))) === 'taken') return false;
    this.#claimed.add(family);
    return true;
  }

  /** Nothing is marked any more. */
  #release(): void {
    for (const route of this.#claimedRoutes()) {
      asRefusal(() => this.#routes.remove(route));
      this.#claimed.delete(route.family);
    }
    this.#mark = undefined;
  }
}

function asRefusal<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new RefusedError(messageOf(error));
  }
}
