import { formatHostPort, type HostPort, socketPathOf } from '../net/address/endpoint.ts';
import type { KeyOptions } from './key-options.ts';

/** What is known of a bastion that prohibits a channel. */
export interface ForwardingEvidence {
  /** Of the keys that let us in; empty where sshd told nothing: no key did, or it is not OpenSSH's. */
  readonly keyOptions: readonly KeyOptions[];
  /** Another destination, for people, to which the bastion has connected, or tried to: so it forwards. */
  readonly permitted: string | undefined;
}

/** Why a channel is prohibited, as far as that can be known. */
export interface ForwardingDiagnosis {
  /** Follows a colon. Says so where it cannot be known. */
  readonly reason: string;
  /** What to ask the bastion's administrator for. */
  readonly remedy: string;
}

/**
 * Finds what of a bastion's configuration prohibits a channel.
 *
 * sshd answers AllowTcpForwarding, DisableForwarding, PermitOpen and the options of a key alike, so that only evidence tells
 * them apart (native-notes/sshd-forwarding.md): first the options of the key, then another destination that is permitted.
 */
export function diagnoseProhibition(
  destination: HostPort,
  { keyOptions, permitted }: ForwardingEvidence,
): ForwardingDiagnosis {
  const where = formatHostPort(destination.host, destination.port);
  const closed = keyOptions.find(({ permitsForwarding }) => !permitsForwarding);
  if (closed !== undefined) {
    return {
      reason: `the options of your key do not allow it (${closed.place})`,
      remedy: 'ask for port-forwarding behind restrict there, or for no-port-forwarding to be removed',
    };
  }
  if (socketPathOf(destination) !== undefined) {
    return {
      reason: 'sshd does not tell which of its settings prohibits it',
      remedy: 'ask for AllowStreamLocalForwarding yes (or local) and no DisableForwarding',
    };
  }
  const narrow = keyOptions.find(({ hasPermitOpen }) => hasPermitOpen);
  if (narrow !== undefined) {
    return {
      reason: `your key has permitopen (${narrow.place})`,
      remedy: `ask for permitopen="${where}" there and, if its sshd_config has PermitOpen, for ${where} in that`,
    };
  }
  const orInKey = keyOptions.length > 0 ? '' : `, or permitopen="${where}" for your key in authorized_keys`;
  if (permitted !== undefined) {
    return {
      reason: `it forwards to ${permitted}, so it permits some destinations only`,
      remedy: `ask for ${where} in PermitOpen of its sshd_config${orInKey}`,
    };
  }
  const orKey =
    keyOptions.length > 0
      ? ''
      : `; or else, for your key in authorized_keys, no restrict, no-port-forwarding or permitopen without ${where}`;
  return {
    reason: 'sshd does not tell which of its settings prohibits it',
    remedy:
      'ask for AllowTcpForwarding yes (or local), no DisableForwarding and, ' +
      `if it has PermitOpen, ${where} in that${orKey}`,
  };
}
