import type { AuthHost } from '../../config/config.ts';
import { TshuttleError } from '../../core/errors.ts';
import type { FlowEnd } from '../../ssh/transport.ts';
import { isUnknownName } from '../../tunnel/flows/flow-end.ts';
import type { Tunnel } from '../../tunnel/tunnel.ts';

/** A bastion that is slow to connect knows the name at least. */
const TIMEOUT_MS = 10_000;

/**
 * Makes sure that the bastion knows the host of auth_url, which this machine does not.
 *
 * @throws TshuttleError ERR_CONFIG when it does not either; ERR_BASTION_LOST; the signal's reason
 */
export async function requireKnownHost(
  place: AuthHost,
  tunnel: Pick<Tunnel, 'open'>,
  stop: AbortSignal,
): Promise<void> {
  try {
    const socket = await tunnel.open(place, AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]));
    socket.destroy();
  } catch (error) {
    if (stop.aborted) throw error;
    if (!(error instanceof TshuttleError)) return;
    if (error.code !== 'ERR_CHANNEL_REFUSED') throw error;
    if (!isUnknownName(error.cause as FlowEnd)) return;
    const { host, where } = place;
    const message = `${host}, the host of auth_url (${where}), does not exist, neither here nor at the bastion`;
    throw new TshuttleError('ERR_CONFIG', message, {
      remedy: 'check the spelling of auth_url',
      cause: error,
    });
  }
}
