import { sameEndpoint } from '../../../../net/address/endpoint.ts';
import type {
  LookUp,
  RedirectedConnection,
  StrandedFate,
} from '../../../../net/sockets/redirected-connection.ts';
import { RefusedError } from '../backend/rule-backend.ts';

/**
 * What became of the application's end of a connection that has ended here, by what pf keeps of it. Neither the rules nor we are needed for
 * that: a state outlives them, and brings the application what the kernel sends it when our socket is reset or its process killed; it stays
 * for a minute and more after that. Without one, or without the application's address, nothing of it arrives, and pf can end no socket:
 * to kill a state would only cut the way (native-notes/pf-helper.md).
 *
 * @throws RefusedError when pf does not tell
 */
export function strandedFate(
  { originator, destination }: RedirectedConnection,
  seen: LookUp | undefined,
  isOwnAddress: (address: string) => boolean,
): StrandedFate {
  if (seen === undefined || seen.kind === 'refused') throw new RefusedError('pf does not tell what it keeps');
  // Of several, one is ours or another's with these endpoints, which is left alone in any case.
  if (seen.kind === 'ambiguous') return 'joined';
  const isKept = seen.kind === 'found' && sameEndpoint(seen.destination, destination);
  return isKept && isOwnAddress(originator.address) ? 'told' : 'unsupported';
}
