import { TshuttleError } from '../../core/errors.ts';
import { sudoUser } from '../../core/sudo-user.ts';
import { fingerprintOf, keyTypeName, type PublicKey } from '../keys/public-key.ts';
import type { SshTarget } from '../ssh-target.ts';
import { nameTarget } from '../ssh-target.ts';
import type { CertificateProblem } from './host-certificate.ts';
import type { KnownHostEntry } from './known-hosts.ts';

/** ERR_HOST_KEY about the bastion; `what` goes on after its name. */
export function hostKeyError(target: SshTarget, what: string, remedy?: string): TshuttleError {
  const message = `${nameTarget(target)} ${what}`;
  return new TshuttleError('ERR_HOST_KEY', message, remedy === undefined ? {} : { remedy });
}

/** A key that is not filed, where nobody can be asked. */
export function unknownKeyError(
  target: SshTarget,
  key: PublicKey,
  otherKeys: readonly KnownHostEntry[],
): TshuttleError {
  const others = otherKeys.length === 0 ? '' : `; known are ${otherKeys.map(describeEntry).join(', ')}`;
  const { host, port, user, hostKeys } = target;
  const portOption = port === 22 ? '' : ` -p ${port}`;
  const rootOf = sudoUser();
  const askOption = hostKeys.unknownKey === 'refuse' ? ' -o StrictHostKeyChecking=ask' : '';
  return hostKeyError(
    target,
    `has an unknown host key, the ${describeKey(key)}${others}`,
    `compare the fingerprint with what the bastion's administrator says; if it is the same, ${
      rootOf === undefined
        ? ''
        : `leave sudo out, as root's known_hosts count under it and not those of ${rootOf}, or `
    }connect once on a terminal with: ${rootOf === undefined ? '' : 'sudo '}ssh${portOption}${askOption} ${user}@${host}`,
  );
}

/** Another key of the same type is filed. */
export function changedKeyError(
  target: SshTarget,
  key: PublicKey,
  entries: readonly KnownHostEntry[],
): TshuttleError {
  const file = entries[0]?.file ?? '';
  return hostKeyError(
    target,
    `shows the ${describeKey(key)}, but another one is known: ${entries.map(describeEntry).join(', ')}; ` +
      'either the key was changed, or the connection is intercepted',
    `if the bastion's owner confirms the new key: ssh-keygen -R '${target.hostKeys.lookupName}' -f '${file}'`,
  );
}

/** Its authority is trusted for the host, the certificate is not; nor is the key in it. */
export function certificateError(
  target: SshTarget,
  certificate: string,
  problem: CertificateProblem,
  authority: KnownHostEntry,
): TshuttleError {
  return hostKeyError(
    target,
    `shows the ${certificate}, trusted by ${locationOf(authority)}, but ${problem.reason}`,
    problem.remedy,
  );
}

/** A key that must not be trusted again, in whatever way it was said. */
export function revokedKeyError(target: SshTarget, what: string, where: string): TshuttleError {
  return hostKeyError(
    target,
    `shows the ${what}, which ${where} revokes`,
    'ask who runs the bastion for its new key; do not connect before',
  );
}

/** For people: `ED25519 key SHA256:...`. */
export function describeKey(key: PublicKey): string {
  return `${keyTypeName(key.type)} key ${fingerprintOf(key)}`;
}

/** For people: where an entry stands. */
export function locationOf(entry: KnownHostEntry): string {
  return `${entry.file}:${entry.line}`;
}

function describeEntry(entry: KnownHostEntry): string {
  return `${fingerprintOf(entry.key)} (${locationOf(entry)})`;
}
