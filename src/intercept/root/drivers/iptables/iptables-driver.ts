import { readFileSync } from 'node:fs';
import { messageOf } from '../../../../core/errors.ts';
import type { IpFamily } from '../../../../net/address/literal.ts';
import { renderIptables } from '../../../rules/iptables/iptables.ts';
import { type IptablesTable, iptablesChains } from '../../../rules/iptables/iptables-chains.ts';
import type { ProbeFact } from '../../../rules/select.ts';
import type { FoundTunnel, FoundTunnels, MethodDriver } from '../backend/method-driver.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import { runTool } from '../backend/run-tool.ts';
import { SAMPLE_INSTANCE, samplePlan } from '../backend/sample-plan.ts';
import { judgeInstance, thisInstanceText } from '../backend/this-instance.ts';
import { runNft } from '../nft/run-nft.ts';
import { IptablesBackend } from './iptables-backend.ts';
import {
  findIptablesTools,
  type IptablesCandidate,
  type IptablesTools,
  iptablesToolName,
} from './iptables-tools.ts';
import { removeDeadTunnel, savedTunnels } from './saved-tunnels.ts';

const FAMILIES: readonly IpFamily[] = [4, 6];
const TABLES: readonly IptablesTable[] = ['nat', 'filter'];

/** Two chains for each tunnel in the nat table of each family, and two in the filter table where it refuses UDP. */
export const IPTABLES_DRIVER: MethodDriver<IptablesCandidate> = {
  probe,
  open(candidate) {
    const tools = FAMILIES.flatMap((family) => findIptablesTools(candidate, family) ?? []);
    if (tools.length === 0) throw new RefusedError(`${candidate} is not installed`);
    return new IptablesBackend(tools, thisInstanceText());
  },
  findTunnels,
};

async function probe(candidate: IptablesCandidate, families: readonly IpFamily[]): Promise<ProbeFact> {
  const usable: IpFamily[] = [];
  const refusals: string[] = [];
  let version = '';
  for (const family of families) {
    const tools = findIptablesTools(candidate, family);
    if (tools === undefined) {
      if (family === 4) return { kind: 'absent', candidate, missing: iptablesToolName(candidate, 4) };
      continue;
    }
    const refusal = await refusalOf(tools);
    if (refusal !== undefined) {
      refusals.push(refusal);
      continue;
    }
    const about = await runTool(tools.toolPath, ['--version']);
    if (about.kind === 'done') version ||= about.output.trim();
    usable.push(family);
  }
  // IPv6 alone may be off in the kernel; without IPv4 where that was asked for, the candidate is no good.
  if (usable.length === 0 || (families.includes(4) && !usable.includes(4))) {
    const reason = refusals.join(' | ') || `${iptablesToolName(candidate, 6)} is not installed`;
    return { kind: 'refused', candidate, reason };
  }
  return { kind: 'usable', candidate, version, families: usable };
}

/** iptables-legacy checks no more than the syntax under `--test`; listing the table shows whether the kernel has it. */
async function refusalOf(tools: IptablesTools): Promise<string | undefined> {
  const listed = await runTool(tools.toolPath, ['-w', '10', '-t', 'nat', '-S', 'OUTPUT']);
  if (listed.kind === 'refused') return listed.reason;
  const sample = renderIptables(samplePlan([tools.family]), {
    family: tools.family,
    instance: SAMPLE_INSTANCE,
    jumpAt: 1,
  });
  const tested = await runTool(tools.restorePath, ['--test', '--noflush', '-w', '10'], sample);
  return tested.kind === 'refused' ? tested.reason : undefined;
}

async function findTunnels(): Promise<FoundTunnels> {
  const tunnels: FoundTunnel[] = [];
  const unread: string[] = [];
  const listed = tablesInUse().map(async ({ tools, table }) => {
    try {
      for (const saved of await savedTunnels(tools, table)) {
        const chain = `${tools.name} chain ${iptablesChains(saved.owner).entry}`;
        tunnels.push({
          name: table === 'nat' ? chain : `${chain} of the table ${table}`,
          holder: judgeInstance(saved.instance),
          remove: () => removeDeadTunnel(tools, saved, table),
        });
      }
    } catch (error) {
      unread.push(`${tools.name}: ${messageOf(error)}`);
    }
  });
  await Promise.all(listed);
  return { tunnels, unread };
}

interface TableInUse {
  readonly tools: IptablesTools;
  readonly table: IptablesTable;
}

/** The tables that the kernel has, of the installed variants, each once: plain `iptables` is one of the other two where those have names of their own. */
function tablesInUse(): readonly TableInUse[] {
  const hasNftTable = nftTables();
  return FAMILIES.flatMap((family) => {
    const named = (['iptables-nft', 'iptables-legacy'] as const).flatMap(
      (candidate) => findIptablesTools(candidate, family) ?? [],
    );
    const tools = named.length > 0 ? named : [findIptablesTools('iptables', family) ?? []].flat();
    return tools.flatMap((one) =>
      TABLES.filter((table) => (one.isNft ? hasNftTable(family, table) : hasLegacyTable(family, table))).map(
        (table) => ({ tools: one, table }),
      ),
    );
  });
}

/** Whether the kernel's nftables have a table of iptables-nft; taken to be so where they cannot be asked. Each tool that need not be run saves some 8 ms of every start. */
function nftTables(): (family: IpFamily, table: IptablesTable) => boolean {
  const listed = runNft('list tables');
  if (listed?.kind !== 'done') return () => true;
  const names = new Set(listed.output.split('\n'));
  return (family, table) => names.has(`table ${family === 4 ? 'ip' : 'ip6'} ${table}`);
}

/** Whether iptables-legacy has a table: asking the tool would make one, and load its kernel module. */
function hasLegacyTable(family: IpFamily, table: IptablesTable): boolean {
  try {
    const names = readFileSync(
      family === 4 ? '/proc/net/ip_tables_names' : '/proc/net/ip6_tables_names',
      'utf8',
    );
    return names.split('\n').includes(table);
  } catch {
    return false;
  }
}
