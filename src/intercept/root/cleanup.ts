import { readFileSync } from 'node:fs';
import { messageOf } from '../../core/errors.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import { findTool } from '../../net/machine/root-tools.ts';
import { openNftContext } from '../../net/native/nftables.ts';
import type { CleanupReport } from '../protocol/protocol.ts';
import { iptablesChains } from '../rules/iptables-chains.ts';
import { nftTable, renderNftRemoval } from '../rules/nft.ts';
import { parseNftChains } from '../rules/nft-listing.ts';
import { removeDeadTunnel, savedTunnels } from './backend/iptables-backend.ts';
import { findIptablesTools, type IptablesCandidate, type IptablesTools } from './backend/iptables-tools.ts';
import { runTool, shorten, type ToolResult } from './backend/run-tool.ts';
import { judgeInstance } from './backend/this-instance.ts';

const FAMILIES: readonly IpFamily[] = [4, 6];

/**
 * Removes what dead instances have left: chains of every iptables variant, and nft tables that were made without the
 * owner flag. What a living instance holds, or one that cannot be judged from here, stays.
 */
export async function cleanUpDeadInstances(): Promise<CleanupReport> {
  const report = {
    removed: [] as string[],
    kept: [] as string[],
    failed: [] as string[],
    unread: [] as string[],
  };
  const leftovers = [...(await nftLeftovers(report.unread)), ...(await iptablesLeftovers(report.unread))];
  for (const leftover of leftovers) {
    const verdict = judgeInstance(leftover.instance);
    if (verdict !== 'dead') {
      report.kept.push(`${leftover.name} (its instance is ${verdict === 'alive' ? 'running' : 'unknown'})`);
      continue;
    }
    try {
      await leftover.remove();
      report.removed.push(leftover.name);
    } catch (error) {
      report.failed.push(`${leftover.name}: ${messageOf(error)}`);
    }
  }
  return report;
}

interface Leftover {
  /** For people. */
  readonly name: string;
  readonly instance: string | undefined;
  /** @throws Error with the system's reason */
  remove(): Promise<void>;
}

async function nftLeftovers(unread: string[]): Promise<Leftover[]> {
  const listing = await runNft('list chains inet');
  if (listing === undefined) return [];
  if (listing.kind === 'refused') {
    unread.push(`nft tables: ${listing.reason}`);
    return [];
  }
  return parseNftChains(listing.output).map(({ owner, instance }) => ({
    name: `nft table ${nftTable(owner)}`,
    instance,
    remove: async () => {
      const result = await runNft(renderNftRemoval(owner, instance));
      if (result?.kind === 'refused') throw new Error(result.reason);
    },
  }));
}

/** Runs nft text with whatever there is; undefined when the machine has no nft at all, and so no table of ours. */
async function runNft(text: string): Promise<ToolResult | undefined> {
  const path = findTool('nft');
  if (path !== undefined) return await runTool(path, ['-f', '-'], `${text}\n`);
  const context = openNftContext();
  if (context === undefined) return undefined;
  try {
    const result = context.run(text, 'commit');
    return result.kind === 'done' ? result : { kind: 'refused', reason: shorten(result.reason) };
  } finally {
    context.close();
  }
}

async function iptablesLeftovers(unread: string[]): Promise<Leftover[]> {
  const leftovers: Leftover[] = [];
  for (const tools of toolsInUse()) {
    try {
      for (const tunnel of await savedTunnels(tools)) {
        const { owner, instance } = tunnel;
        leftovers.push({
          name: `${tools.name} chain ${iptablesChains(owner).entry}`,
          instance,
          remove: () => removeDeadTunnel(tools, tunnel),
        });
      }
    } catch (error) {
      unread.push(`${tools.name}: ${messageOf(error)}`);
    }
  }
  return leftovers;
}

/** The installed variants, each once: plain `iptables` is one of the other two where those have names of their own. */
function toolsInUse(): IptablesTools[] {
  return FAMILIES.flatMap((family) => {
    const named = (['iptables-nft', 'iptables-legacy'] as const).flatMap(
      (candidate: IptablesCandidate) => findIptablesTools(candidate, family) ?? [],
    );
    const tools = named.length > 0 ? named : [findIptablesTools('iptables', family) ?? []].flat();
    return tools.filter(({ name }) => !name.endsWith('-legacy') || hasLegacyNat(family));
  });
}

/** Whether iptables-legacy has a nat table: asking the tool would make one, and load its kernel module. */
function hasLegacyNat(family: IpFamily): boolean {
  try {
    const names = readFileSync(
      family === 4 ? '/proc/net/ip_tables_names' : '/proc/net/ip6_tables_names',
      'utf8',
    );
    return names.split('\n').includes('nat');
  } catch {
    return false;
  }
}
