import { messageOf, systemCodeOf } from '../../../core/errors.ts';
import { systemWords } from '../../../core/systems/system-words.ts';
import { formatHostPort } from '../../address/endpoint.ts';
import type { SourceAddress } from '../../address/source-address.ts';

/** An address at which nothing listens, and why. */
export interface RefusedAddress {
  readonly at: SourceAddress;
  readonly error: unknown;
}

/** What does not arrive at such an address, for people. */
export interface RefusedAddressProblem {
  readonly cause: 'others-listener';
  readonly what: string;
  readonly remedy: string;
}

/** Says of an address what does not arrive there, and the remedy. */
export function describeRefusedAddress(
  { at: { address, interfaceName }, error }: RefusedAddress,
  port: number,
): RefusedAddressProblem {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = systemCodeOf(cause) ?? '';
  const where = formatHostPort(address, port);
  return {
    cause: 'others-listener',
    what: `what comes in by ${interfaceName} is not accepted: cannot listen on ${where} (${code || messageOf(cause)})`,
    remedy: REMEDIES[code] ?? `find out what has that port: ss -tulnp sport = :${port}`,
  };
}

const REMEDIES: Readonly<Record<string, string>> = {
  EMFILE: `allow more open files: ${systemWords().moreDescriptors}`,
  EPERM: 'that needs Linux 5.7, or tshuttle run as root',
  EADDRNOTAVAIL: 'it is tried again when the address is ready; if it stays so: ip address show',
};
