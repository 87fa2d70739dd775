import {
  type IptablesTable,
  parseIptablesSave,
  renderIptablesRemoval,
  type SavedTunnel,
} from '../../../rules/iptables/iptables-chains.ts';
import { isSameOwner, type RuleOwner } from '../../../rules/redirect-plan.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import { runTool } from '../backend/run-tool.ts';
import type { IptablesTools } from './iptables-tools.ts';

/** The tunnels of all instances in a table. @throws RefusedError */
export async function savedTunnels(
  tools: IptablesTools,
  table: IptablesTable = 'nat',
): Promise<SavedTunnel[]> {
  const result = await runTool(tools.savePath, ['-t', table]);
  if (result.kind === 'refused') throw new RefusedError(result.reason);
  return parseIptablesSave(result.output);
}

/** Removes what one tunnel has in a table, if anything. @throws RefusedError */
export async function removeTunnel(
  tools: IptablesTools,
  owner: RuleOwner,
  table: IptablesTable = 'nat',
): Promise<void> {
  const tunnel = (await savedTunnels(tools, table)).find((saved) => isSameOwner(saved.owner, owner));
  if (tunnel !== undefined) await restore(tools, renderIptablesRemoval(tunnel, undefined, table));
}

/** Removes what a tunnel has in a table, unless another instance has it by now. @throws RefusedError then, too */
export async function removeDeadTunnel(
  tools: IptablesTools,
  tunnel: SavedTunnel,
  table: IptablesTable,
): Promise<void> {
  await restore(tools, renderIptablesRemoval(tunnel, tunnel.instance, table));
}

/**
 * Has a text take effect. `-w 10`: another program may hold the xtables lock (iptables-legacy), but not for ever.
 *
 * @throws RefusedError
 */
export async function restore(tools: IptablesTools, text: string): Promise<void> {
  const result = await runTool(tools.restorePath, ['--noflush', '-w', '10'], text);
  if (result.kind === 'refused') throw new RefusedError(result.reason);
}
