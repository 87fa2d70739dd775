import { describeAgreement, type NegotiatedAlgorithms, weaknessesOf } from '../../../ssh/agreement.ts';
import { type Finding, note, ok } from './finding.ts';

/**
 * What was agreed on with a bastion, and what is weak about it.
 *
 * @param algorithms undefined of a connection by the user's own ssh, which says of it what it has to
 * @param offered the key exchange methods that it was offered
 */
export function* checkAgreement(
  algorithms: NegotiatedAlgorithms | undefined,
  offered: readonly string[],
): Generator<Finding> {
  if (algorithms === undefined) return;
  yield ok('encryption', describeAgreement(algorithms));
  for (const { what, remedy } of weaknessesOf(algorithms, offered)) yield note('encryption', what, remedy);
}
