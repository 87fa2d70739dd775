import { TshuttleError } from '../../../../core/errors.ts';
import type { GateSession } from '../../../../ssh/openssh/gate-session.ts';

/**
 * Why a step at a gate has failed: its connection is gone, or it refuses. ssh and sftp end with the same words in both cases, so that
 * the connection itself is asked.
 *
 * @param why in the words of who refuses; empty where nothing was said
 * @param remedy for a refusal
 */
export async function gateFailure(gate: GateSession, why: string, remedy: string): Promise<TshuttleError> {
  const said = why === '' ? 'it does not answer' : why;
  if (await gate.isGone()) {
    const message = `lost the gate ${gate.description} while it was asked about its keys: ${said}`;
    return new TshuttleError('ERR_BASTION_LOST', message, {
      remedy: 'nothing is half done; see which keys it has with tshuttle gate keys list, and try again',
    });
  }
  const message = `cannot change the keys of the gate ${gate.description}: ${said}`;
  return new TshuttleError('ERR_CHANNEL_REFUSED', message, { remedy });
}
