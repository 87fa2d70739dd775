import { messageOf } from '../../core/errors.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import { findTool } from '../../net/machine/root-tools.ts';
import { LIBNFTABLES_SONAME, openNftContext } from '../../net/native/nftables.ts';
import { renderIptables } from '../rules/iptables.ts';
import { type NftTableOptions, renderNft } from '../rules/nft.ts';
import type { OwnedPlan } from '../rules/redirect-plan.ts';
import {
  type Candidate,
  candidatesFor,
  endsWithHelper,
  type ProbeFact,
  type WantedMethod,
} from '../rules/select.ts';
import {
  findIptablesTools,
  type IptablesCandidate,
  type IptablesTools,
  iptablesToolName,
} from './backend/iptables-tools.ts';
import { runTool, shorten } from './backend/run-tool.ts';
import { CALLER_ID } from './caller.ts';

/**
 * Asks the kernel about the candidates, the best first, until one works; nothing is changed.
 *
 * The question is a small plan of the real kind, checked but not committed, so that a missing kernel module, an old
 * parser and a missing capability all show here and in their own words.
 */
export async function probeCandidates(
  method: WantedMethod,
  families: readonly IpFamily[],
): Promise<ProbeFact[]> {
  const facts: ProbeFact[] = [];
  for (const candidate of candidatesFor(method, CALLER_ID === 0)) {
    const fact = await probe(candidate, families);
    facts.push(fact);
    if (fact.kind === 'usable') break;
  }
  return facts;
}

/** Whether the kernel would remove the rules of somebody who is not root with the helper, so that they may have no others. */
export async function mustEndWithHelper(): Promise<boolean> {
  if (CALLER_ID === 0) return false;
  const facts = await probeCandidates('nft', [4]);
  return facts.some(({ kind, candidate }) => kind === 'usable' && endsWithHelper(candidate));
}

async function probe(candidate: Candidate, families: readonly IpFamily[]): Promise<ProbeFact> {
  switch (candidate) {
    case 'libnftables':
      return probeLibrary(families);
    case 'nft-interactive':
    case 'nft-file':
      return await probeNftTool(candidate, families);
    case 'iptables':
    case 'iptables-nft':
    case 'iptables-legacy':
      return await probeIptables(candidate, families);
  }
}

function probeLibrary(families: readonly IpFamily[]): ProbeFact {
  const candidate = 'libnftables';
  try {
    const context = openNftContext();
    if (context === undefined) return { kind: 'absent', candidate, missing: LIBNFTABLES_SONAME };
    try {
      const result = context.run(nftSample(families, 'owner'), 'check');
      if (result.kind === 'refused') return { kind: 'refused', candidate, reason: shorten(result.reason) };
      return { kind: 'usable', candidate, version: LIBNFTABLES_SONAME, families };
    } finally {
      context.close();
    }
  } catch (error) {
    return { kind: 'refused', candidate, reason: shorten(messageOf(error)) };
  }
}

async function probeNftTool(
  candidate: 'nft-interactive' | 'nft-file',
  families: readonly IpFamily[],
): Promise<ProbeFact> {
  const path = findTool('nft');
  if (path === undefined) return { kind: 'absent', candidate, missing: 'nft' };
  const about = await runTool(path, ['-V']);
  const version = about.kind === 'done' ? (about.output.split('\n')[0] ?? '').trim() : 'unknown version';
  if (candidate === 'nft-interactive' && about.kind === 'done' && /^\s*cli:\s*no/m.test(about.output)) {
    return { kind: 'refused', candidate, reason: `${version} was built without its interactive mode` };
  }
  const sample = nftSample(families, candidate === 'nft-interactive' ? 'owner' : 'until-removed');
  const result = await runTool(path, ['-c', '-f', '-'], sample);
  if (result.kind === 'refused') return { kind: 'refused', candidate, reason: result.reason };
  return { kind: 'usable', candidate, version, families };
}

async function probeIptables(
  candidate: IptablesCandidate,
  families: readonly IpFamily[],
): Promise<ProbeFact> {
  const usable: IpFamily[] = [];
  const refusals: string[] = [];
  let version = '';
  for (const family of families) {
    const tools = findIptablesTools(candidate, family);
    if (tools === undefined) {
      if (family === 4) return { kind: 'absent', candidate, missing: iptablesToolName(candidate, 4) };
      continue;
    }
    const refusal = await iptablesRefusal(tools);
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
async function iptablesRefusal(tools: IptablesTools): Promise<string | undefined> {
  const listed = await runTool(tools.toolPath, ['-w', '10', '-t', 'nat', '-S', 'OUTPUT']);
  if (listed.kind === 'refused') return listed.reason;
  const sample = renderIptables(samplePlan([tools.family]), {
    family: tools.family,
    instance: '1-1-1',
    jump: 'absent',
  });
  const tested = await runTool(tools.restorePath, ['--test', '--noflush', '-w', '10'], sample);
  return tested.kind === 'refused' ? tested.reason : undefined;
}

function nftSample(families: readonly IpFamily[], lifetime: NftTableOptions['lifetime']): string {
  return renderNft(samplePlan(families), { instance: '1-1-1', lifetime });
}

/** Has everything that a plan can have. Port 1 names a table and chains that no tunnel has. */
function samplePlan(families: readonly IpFamily[]): OwnedPlan {
  return {
    userId: 0,
    listenerPort: 1,
    families,
    groups: [
      {
        ports: { first: 80, last: 90 },
        intervals4: [
          { first: '192.0.2.0', last: '192.0.2.6', action: 'capture' },
          { first: '192.0.2.7', last: '192.0.2.7', action: 'pass' },
        ],
        intervals6: [
          { first: '2001:db8::', last: '2001:db8::6', action: 'capture' },
          { first: '2001:db8::7', last: '2001:db8::7', action: 'pass' },
        ],
      },
    ],
    exempt: [
      { family: 4, address: '192.0.2.1', port: 22 },
      { family: 6, address: '2001:db8::1', port: 22 },
    ],
    dns: {
      redirects: [
        { nameserver: '192.0.2.53', port: 2 },
        { nameserver: '2001:db8::53', port: 3 },
      ],
      exemptPorts: [4, 5],
    },
    replies: 'plain',
  };
}
