import { readFileSync } from 'node:fs';
import { messageOf } from '../../../core/errors.ts';
import type { IpFamily } from '../../../net/address/literal.ts';
import { renderIptables } from '../../rules/iptables/iptables.ts';
import { iptablesChains } from '../../rules/iptables/iptables-chains.ts';
import type { ProbeFact } from '../../rules/select.ts';
import type { FoundTunnel, FoundTunnels, MethodDriver } from '../backend/method-driver.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import { runTool } from '../backend/run-tool.ts';
import { SAMPLE_INSTANCE, samplePlan } from '../backend/sample-plan.ts';
import { judgeInstance, thisInstanceText } from '../backend/this-instance.ts';
import { IptablesBackend, removeDeadTunnel, savedTunnels } from './iptables-backend.ts';
import {
  findIptablesTools,
  type IptablesCandidate,
  type IptablesTools,
  iptablesToolName,
} from './iptables-tools.ts';

const FAMILIES: readonly IpFamily[] = [4, 6];

/** Two chains for each tunnel in the nat table of each family. */
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
  for (const tools of toolsInUse()) {
    try {
      for (const saved of await savedTunnels(tools)) {
        tunnels.push({
          name: `${tools.name} chain ${iptablesChains(saved.owner).entry}`,
          holder: judgeInstance(saved.instance),
          remove: () => removeDeadTunnel(tools, saved),
        });
      }
    } catch (error) {
      unread.push(`${tools.name}: ${messageOf(error)}`);
    }
  }
  return { tunnels, unread };
}

/** The installed variants, each once: plain `iptables` is one of the other two where those have names of their own. */
function toolsInUse(): IptablesTools[] {
  return FAMILIES.flatMap((family) => {
    const named = (['iptables-nft', 'iptables-legacy'] as const).flatMap(
      (candidate) => findIptablesTools(candidate, family) ?? [],
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
