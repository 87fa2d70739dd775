import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { IpFamily } from '../../../../net/address/literal.ts';
import { findTool } from '../../../../net/machine/root-tools.ts';
import type { CandidateOf } from '../../../rules/redirect-methods.ts';

/** The candidates that are iptables tools. */
export type IptablesCandidate = CandidateOf<'iptables'>;

/** The tools of one candidate for one family. */
export interface IptablesTools {
  readonly family: IpFamily;
  /** `iptables`, `ip6tables-legacy`, ... */
  readonly name: string;
  readonly toolPath: string;
  readonly restorePath: string;
  readonly savePath: string;
  /** Whether its rules are nftables' in the kernel, which tells of changes there. */
  readonly isNft: boolean;
}

/** The name of a candidate's tool for a family. */
export function iptablesToolName(candidate: IptablesCandidate, family: IpFamily): string {
  return family === 4 ? candidate : candidate.replace('iptables', 'ip6tables');
}

/** Finds the tools of a candidate; undefined when one of them is not there. */
export function findIptablesTools(candidate: IptablesCandidate, family: IpFamily): IptablesTools | undefined {
  const name = iptablesToolName(candidate, family);
  const toolPath = findTool(name);
  const restorePath = findTool(`${name}-restore`);
  const savePath = findTool(`${name}-save`);
  if (toolPath === undefined || restorePath === undefined || savePath === undefined) return undefined;
  // All tools of a kind are one program: xtables-nft-multi, xtables-legacy-multi.
  const isNft = basename(realpathSync(restorePath)).includes('nft');
  return { family, name, toolPath, restorePath, savePath, isNft };
}
