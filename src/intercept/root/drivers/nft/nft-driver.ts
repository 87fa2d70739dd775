import { messageOf } from '../../../../core/errors.ts';
import type { IpFamily } from '../../../../net/address/literal.ts';
import { LIBNFTABLES_SONAME, type NftContext, openNftContext } from '../../../../net/native/nftables.ts';
import { type NftTableOptions, nftTable, renderNft, renderNftRemoval } from '../../../rules/nft/nft.ts';
import { parseNftChains } from '../../../rules/nft/nft-listing.ts';
import type { CandidateOf } from '../../../rules/redirect-methods.ts';
import type { ProbeFact } from '../../../rules/select.ts';
import type { FoundTunnels, MethodDriver } from '../backend/method-driver.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import { SAMPLE_INSTANCE, samplePlan } from '../backend/sample-plan.ts';
import { judgeInstance, thisInstanceText } from '../backend/this-instance.ts';
import { NftBackend } from './nft-backend.ts';
import { runNft } from './run-nft.ts';

type NftCandidate = CandidateOf<'nft'>;

/** One nft table for each tunnel, by libnftables in this process (native-notes/nft.md says why not by the program nft). */
export const NFT_DRIVER: MethodDriver<NftCandidate> = {
  probe: async (candidate, families) => probe(candidate, families),
  open(candidate) {
    return new NftBackend(openContext(), LIFETIMES[candidate], thisInstanceText());
  },
  findTunnels: async () => findTunnels(),
};

/** A context of libnftables. @throws RefusedError where there is none */
export function openContext(): NftContext {
  try {
    const context = openNftContext();
    if (context !== undefined) return context;
  } catch (error) {
    throw new RefusedError(messageOf(error), { cause: error });
  }
  throw new RefusedError(`${LIBNFTABLES_SONAME} is not installed`);
}

const LIFETIMES: Readonly<Record<NftCandidate, NftTableOptions['lifetime']>> = {
  libnftables: 'owner',
  'libnftables-unowned': 'until-removed',
};

function probe(candidate: NftCandidate, families: readonly IpFamily[]): ProbeFact {
  const options = { instance: SAMPLE_INSTANCE, lifetime: LIFETIMES[candidate] };
  const result = runNft(renderNft(samplePlan(families), options), 'check');
  if (result === undefined) return { kind: 'absent', candidate, missing: LIBNFTABLES_SONAME };
  return result.kind === 'done'
    ? { kind: 'usable', candidate, version: LIBNFTABLES_SONAME, families }
    : { kind: 'refused', candidate, reason: result.reason };
}

function findTunnels(): FoundTunnels {
  const listing = runNft('list chains inet');
  if (listing === undefined) return { tunnels: [], unread: [] };
  if (listing.kind === 'refused') return { tunnels: [], unread: [`nft tables: ${listing.reason}`] };
  const tunnels = parseNftChains(listing.output).map(({ owner, instance }) => ({
    name: `nft table ${nftTable(owner)}`,
    holder: judgeInstance(instance),
    remove: async () => {
      const result = runNft(renderNftRemoval(owner, instance));
      if (result?.kind === 'refused') throw new Error(result.reason);
    },
  }));
  return { tunnels, unread: [] };
}
