import { isIP } from 'node:net';
import { abortable } from '../../core/abortable.ts';
import { TshuttleError } from '../../core/errors.ts';
import { type Zone, zoneOf } from '../../net/address/zone.ts';
import type { OpenSocket } from '../../openstack/https/reach.ts';
import { type LookUpHost, lookUpHost } from '../../ssh/look-up.ts';

/** The resolver of this machine may be silent; the bastion is asked then. */
const LOOK_UP_TIMEOUT_MS = 5_000;

/**
 * Opens connections as an application's go that is captured: where this machine knows a name, by its addresses, one after the
 * other, so that the bastion need not know it. A name in a zone goes by itself, and so does one that has no address here.
 *
 * @param bastion opens through the bastion
 */
export function openAsApplication(
  bastion: { readonly open: OpenSocket },
  zones: readonly Zone[] = [],
  lookUp: LookUpHost = lookUpHost,
): OpenSocket {
  return async ({ host, port }, signal) => {
    const isName = isIP(host) === 0 && zoneOf(host, zones) === undefined;
    const addresses = isName ? await addressesOf(host, lookUp, signal) : [];
    let refusal: TshuttleError | undefined;
    for (const address of addresses) {
      try {
        return await bastion.open({ host: address, port }, signal);
      } catch (error) {
        if (!(error instanceof TshuttleError) || error.code !== 'ERR_CHANNEL_REFUSED') throw error;
        refusal ??= error;
      }
    }
    if (refusal !== undefined) throw refusal;
    return await bastion.open({ host, port }, signal);
  };
}

/** None where it has none, or nobody says. @throws the signal's reason */
async function addressesOf(
  host: string,
  lookUp: LookUpHost,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LOOK_UP_TIMEOUT_MS)]);
    return await abortable(lookUp(host, 0), limit);
  } catch {
    signal.throwIfAborted();
    return [];
  }
}
