import { messageOf } from '../../../../core/errors.ts';
import {
  type MarkedRoute,
  type MarkedRoutes,
  openMarkedRoutes,
} from '../../../../net/native/netlink/marked-routes.ts';
import { LIBNFTABLES_SONAME } from '../../../../net/native/nftables.ts';
import { renderNft } from '../../../rules/nft/nft.ts';
import { type ListedTable, parseNftChains } from '../../../rules/nft/nft-listing.ts';
import type { CandidateOf } from '../../../rules/redirect-methods.ts';
import { FREE_MARKS, formatBits } from '../../../rules/tproxy/packet-mark.ts';
import type { FoundTunnels, MethodDriver } from '../backend/method-driver.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import { SAMPLE_INSTANCE, samplePlan } from '../backend/sample-plan.ts';
import { judgeInstance, thisInstanceText } from '../backend/this-instance.ts';
import { NftBackend } from '../nft/nft-backend.ts';
import { openContext } from '../nft/nft-driver.ts';
import { runNft } from '../nft/run-nft.ts';
import { TproxyBackend } from './tproxy-backend.ts';

/** An nft table that marks what it captures, by libnftables, and routes for the mark, by rtnetlink (native-notes/tproxy.md). */
export const TPROXY_DRIVER: MethodDriver<CandidateOf<'tproxy'>> = {
  async probe(candidate, families) {
    const options = { instance: SAMPLE_INSTANCE, lifetime: 'owner' } as const;
    const sample = { ...samplePlan(families), diversion: FREE_MARKS[0]! };
    const result = runNft(renderNft(sample, options), 'check');
    if (result === undefined) return { kind: 'absent', candidate, missing: LIBNFTABLES_SONAME };
    if (result.kind === 'refused') return { kind: 'refused', candidate, reason: result.reason };
    try {
      withRoutes((routes) => routes.all());
    } catch (error) {
      return { kind: 'refused', candidate, reason: `routing rules: ${messageOf(error)}` };
    }
    return { kind: 'usable', candidate, version: LIBNFTABLES_SONAME, families };
  },
  open() {
    const table = new NftBackend(openContext(), 'owner', thisInstanceText());
    try {
      return new TproxyBackend(table, openMarkedRoutes());
    } catch (error) {
      throw new RefusedError(messageOf(error), { cause: error });
    }
  },
  findTunnels: async () => findTunnels(),
};

/** The routes; what is left of the tables the driver of nft finds. */
function findTunnels(): FoundTunnels {
  let found: readonly MarkedRoute[];
  try {
    found = withRoutes((routes) => routes.all());
  } catch (error) {
    return { tunnels: [], unread: [`routing rules: ${messageOf(error)}`] };
  }
  if (found.length === 0) return { tunnels: [], unread: [] };
  const listing = runNft('list chains inet');
  if (listing?.kind === 'refused') return { tunnels: [], unread: [`nft tables: ${listing.reason}`] };
  const tables = listing === undefined ? [] : parseNftChains(listing.output);
  const tunnels = found.map((route) => ({
    name: `IPv${route.family} routing rule for packets with mark ${formatBits(route.mark)}/${formatBits(route.mask)}`,
    holder: holderOf(route, tables),
    remove: async () => withRoutes((routes) => routes.remove(route)),
  }));
  return { tunnels, unread: [] };
}

/** A route is made after the table that names its mark, and removed before or with it. */
function holderOf({ mark, mask }: MarkedRoute, tables: readonly ListedTable[]): 'alive' | 'dead' | 'unknown' {
  const table = tables.find((one) => one.mark?.mark === mark && one.mark.mask === mask);
  return table === undefined ? 'dead' : judgeInstance(table.instance);
}

function withRoutes<T>(use: (routes: MarkedRoutes) => T): T {
  const routes = openMarkedRoutes();
  try {
    return use(routes);
  } finally {
    routes.close();
  }
}
