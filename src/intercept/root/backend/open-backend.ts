import type { IpFamily } from '../../../net/address/literal.ts';
import { findTool } from '../../../net/machine/root-tools.ts';
import type { Candidate } from '../../rules/select.ts';
import { IptablesBackend } from './iptables-backend.ts';
import { findIptablesTools } from './iptables-tools.ts';
import { NftBackend } from './nft-backend.ts';
import { openFileExecutor, openLibraryExecutor } from './nft-executor.ts';
import { openInteractiveExecutor } from './nft-interactive-executor.ts';
import { RefusedError, type RuleBackend } from './rule-backend.ts';
import { thisInstanceText } from './this-instance.ts';

const FAMILIES: readonly IpFamily[] = [4, 6];

/**
 * Opens the back end of a candidate that the probe found usable. No rule is set yet.
 *
 * @throws RefusedError when its tool has gone since
 */
export function openBackend(candidate: Candidate): RuleBackend {
  const instance = thisInstanceText();
  switch (candidate) {
    case 'libnftables':
      return new NftBackend(openLibraryExecutor(), instance);
    case 'nft-interactive':
      return new NftBackend(openInteractiveExecutor(requireTool('nft')), instance);
    case 'nft-file':
      return new NftBackend(openFileExecutor(requireTool('nft')), instance);
    case 'iptables':
    case 'iptables-nft':
    case 'iptables-legacy': {
      const tools = FAMILIES.flatMap((family) => findIptablesTools(candidate, family) ?? []);
      if (tools.length === 0) throw new RefusedError(`${candidate} is not installed`);
      return new IptablesBackend(tools, instance);
    }
  }
}

function requireTool(name: string): string {
  const path = findTool(name);
  if (path === undefined) throw new RefusedError(`${name} is not installed`);
  return path;
}
