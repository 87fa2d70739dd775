import { messageOf } from '../../../core/errors.ts';
import type { IpFamily } from '../../../net/address/literal.ts';
import { findTool } from '../../../net/machine/root-tools.ts';
import { LIBNFTABLES_SONAME, openNftContext } from '../../../net/native/nftables.ts';
import { type NftTableOptions, nftTable, renderNft, renderNftRemoval } from '../../rules/nft/nft.ts';
import { parseNftChains } from '../../rules/nft/nft-listing.ts';
import type { CandidateOf } from '../../rules/redirect-methods.ts';
import type { ProbeFact } from '../../rules/select.ts';
import type { FoundTunnels, MethodDriver } from '../backend/method-driver.ts';
import { RefusedError, type RuleBackend } from '../backend/rule-backend.ts';
import { runTool, shorten, type ToolResult } from '../backend/run-tool.ts';
import { SAMPLE_INSTANCE, samplePlan } from '../backend/sample-plan.ts';
import { judgeInstance, thisInstanceText } from '../backend/this-instance.ts';
import { NftBackend } from './nft-backend.ts';
import { openFileExecutor, openLibraryExecutor } from './nft-executor.ts';
import { openInteractiveExecutor } from './nft-interactive-executor.ts';

type NftCandidate = CandidateOf<'nft'>;

/** One nft table for each tunnel. */
export const NFT_DRIVER: MethodDriver<NftCandidate> = {
  probe: async (candidate, families) =>
    candidate === 'libnftables' ? probeLibrary(families) : await probeTool(candidate, families),
  open,
  findTunnels,
};

function open(candidate: NftCandidate): RuleBackend {
  const instance = thisInstanceText();
  switch (candidate) {
    case 'libnftables':
      return new NftBackend(openLibraryExecutor(), instance);
    case 'nft-interactive':
      return new NftBackend(openInteractiveExecutor(requireNft()), instance);
    case 'nft-file':
      return new NftBackend(openFileExecutor(requireNft()), instance);
  }
}

function requireNft(): string {
  const path = findTool('nft');
  if (path === undefined) throw new RefusedError('nft is not installed');
  return path;
}

function probeLibrary(families: readonly IpFamily[]): ProbeFact {
  const candidate = 'libnftables';
  try {
    const context = openNftContext();
    if (context === undefined) return { kind: 'absent', candidate, missing: LIBNFTABLES_SONAME };
    try {
      const result = context.run(sample(families, 'owner'), 'check');
      if (result.kind === 'refused') return { kind: 'refused', candidate, reason: shorten(result.reason) };
      return { kind: 'usable', candidate, version: LIBNFTABLES_SONAME, families };
    } finally {
      context.close();
    }
  } catch (error) {
    return { kind: 'refused', candidate, reason: shorten(messageOf(error)) };
  }
}

async function probeTool(
  candidate: Exclude<NftCandidate, 'libnftables'>,
  families: readonly IpFamily[],
): Promise<ProbeFact> {
  const path = findTool('nft');
  if (path === undefined) return { kind: 'absent', candidate, missing: 'nft' };
  const about = await runTool(path, ['-V']);
  const version = about.kind === 'done' ? (about.output.split('\n')[0] ?? '').trim() : 'unknown version';
  if (candidate === 'nft-interactive' && about.kind === 'done' && /^\s*cli:\s*no/m.test(about.output)) {
    return { kind: 'refused', candidate, reason: `${version} was built without its interactive mode` };
  }
  const text = sample(families, candidate === 'nft-interactive' ? 'owner' : 'until-removed');
  const result = await runTool(path, ['-c', '-f', '-'], text);
  if (result.kind === 'refused') return { kind: 'refused', candidate, reason: result.reason };
  return { kind: 'usable', candidate, version, families };
}

function sample(families: readonly IpFamily[], lifetime: NftTableOptions['lifetime']): string {
  return renderNft(samplePlan(families), { instance: SAMPLE_INSTANCE, lifetime });
}

async function findTunnels(): Promise<FoundTunnels> {
  let listing: ToolResult | undefined;
  try {
    listing = await runNft('list chains inet');
  } catch (error) {
    listing = { kind: 'refused', reason: shorten(messageOf(error)) };
  }
  if (listing === undefined) return { tunnels: [], unread: [] };
  if (listing.kind === 'refused') return { tunnels: [], unread: [`nft tables: ${listing.reason}`] };
  const tunnels = parseNftChains(listing.output).map(({ owner, instance }) => ({
    name: `nft table ${nftTable(owner)}`,
    holder: judgeInstance(instance),
    remove: async () => {
      const result = await runNft(renderNftRemoval(owner, instance));
      if (result?.kind === 'refused') throw new Error(result.reason);
    },
  }));
  return { tunnels, unread: [] };
}

/** Runs nft text with whatever there is; undefined when the machine has no nft at all, and so no table of ours. */
async function runNft(text: string): Promise<ToolResult | undefined> {
  const path = findTool('nft');
  if (path !== undefined) return await runTool(path, ['-f', '-'], `${text}\n`);
  const context = openNftContext();
  if (context === undefined) return undefined;
  try {
    const result = context.run(text, 'commit');
    return result.kind === 'done'
      ? { ...result, errors: '' }
      : { kind: 'refused', reason: shorten(result.reason) };
  } finally {
    context.close();
  }
}
