import type { IpFamily } from '../../net/address/literal.ts';
import { type Candidate, endsWithHelper, type WantedMethod } from '../rules/redirect-methods.ts';
import { candidatesFor, type ProbeFact } from '../rules/select.ts';
import { CALLER_ID } from './caller.ts';
import { driverOf } from './drivers/drivers.ts';

/**
 * Asks the system about the candidates, the best first, until one works; nothing is changed.
 *
 * The question is a small plan of the real kind, checked but not committed, so that a missing kernel module, an old
 * parser and a missing capability all show here and in their own words.
 */
export function probeCandidates(method: WantedMethod, families: readonly IpFamily[]): Promise<ProbeFact[]> {
  return probeUntilUsable(candidatesFor(method, CALLER_ID === 0), families);
}

/** Whether the kernel would remove the rules of somebody who is not root with the helper, so that they may have no others. */
export async function mustEndWithHelper(): Promise<boolean> {
  if (CALLER_ID === 0) return false;
  const facts = await probeUntilUsable(candidatesFor('auto', false).filter(endsWithHelper), [4]);
  return facts.some(({ kind }) => kind === 'usable');
}

async function probeUntilUsable(
  candidates: readonly Candidate[],
  families: readonly IpFamily[],
): Promise<ProbeFact[]> {
  const facts: ProbeFact[] = [];
  for (const candidate of candidates) {
    const fact = await driverOf(candidate).probe(candidate, families);
    facts.push(fact);
    if (fact.kind === 'usable') break;
  }
  return facts;
}
