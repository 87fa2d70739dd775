import type { Problem } from '../../../core/problem.ts';
import { parseSubnet, type Subnet } from './subnet.ts';

/** A subnet and where the user wrote it, for messages. */
interface SubnetEntry {
  readonly where: string;
  readonly subnet: Subnet;
}

/** What one source of subnets holds. */
export interface SubnetEntries {
  readonly entries: readonly SubnetEntry[];
  readonly problems: readonly Problem[];
}

/** Parses a subnet file: one subnet on a line; blank lines and what follows a `#` are left out. */
export function parseSubnetFile(path: string, text: string): SubnetEntries {
  const entries: SubnetEntry[] = [];
  const problems: Problem[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const word = line.split('#', 1)[0]!.trim();
    if (word === '') continue;
    const where = `${path}:${index + 1}`;
    const subnet = parseSubnet(word);
    if (subnet.kind === 'invalid') problems.push({ where, what: `${word} ${subnet.what}` });
    else entries.push({ where, subnet });
  }
  return { entries, problems };
}
