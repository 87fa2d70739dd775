import { isCertificateType } from '../keys/certificate.ts';
import { type PublicKey, samePublicKey } from '../keys/public-key.ts';
import type { HostKeyPolicy } from '../ssh-target.ts';
import { entryNames, type KnownHostEntry } from './known-hosts.ts';

/** What the known_hosts files say about the key that a bastion has shown. */
export type HostKeyDecision =
  | { readonly kind: 'trusted'; readonly entry: KnownHostEntry }
  /** Never seen; `otherKeys` are filed under the same name, but of other types. */
  | { readonly kind: 'unknown'; readonly otherKeys: readonly KnownHostEntry[] }
  /** Another key of the same type is filed. */
  | { readonly kind: 'changed'; readonly entries: readonly KnownHostEntry[] }
  | { readonly kind: 'revoked'; readonly entry: KnownHostEntry };

/**
 * Judges a key as OpenSSH does (hostfile.c, check_hostkeys_by_key_or_type): revoked before all, then the same key, then
 * another of its type.
 *
 * A host on another port than 22 that is not filed with its port is looked up without it, where only the very same key
 * counts (sshconnect.c, "checking without port identifier"). Certificate authorities trust no plain key.
 */
export function decideHostKey(
  key: PublicKey,
  policy: Pick<HostKeyPolicy, 'lookupName' | 'lookupNameWithoutPort'>,
  entries: readonly KnownHostEntry[],
): HostKeyDecision {
  const decision = judge(key, policy.lookupName, entries);
  if (decision.kind !== 'unknown' || policy.lookupNameWithoutPort === undefined) return decision;
  const withoutPort = judge(key, policy.lookupNameWithoutPort, entries);
  return withoutPort.kind === 'trusted' || withoutPort.kind === 'revoked' ? withoutPort : decision;
}

function judge(key: PublicKey, name: string, entries: readonly KnownHostEntry[]): HostKeyDecision {
  const filed = entries.filter((entry) => entryNames(entry, name));
  const revoked = filed.find((entry) => entry.marker === 'revoked' && samePublicKey(entry.key, key));
  if (revoked !== undefined) return { kind: 'revoked', entry: revoked };
  const plain = filed.filter((entry) => entry.marker === 'none');
  const same = plain.find((entry) => samePublicKey(entry.key, key));
  if (same !== undefined) return { kind: 'trusted', entry: same };
  const ofSameType = plain.filter((entry) => entry.key.type === key.type);
  return ofSameType.length > 0
    ? { kind: 'changed', entries: ofSameType }
    : { kind: 'unknown', otherKeys: plain };
}

function namesOf(policy: Pick<HostKeyPolicy, 'lookupName' | 'lookupNameWithoutPort'>): readonly string[] {
  return [policy.lookupName, policy.lookupNameWithoutPort].filter((name) => name !== undefined);
}

/**
 * Puts the algorithms for which a key is filed first, so that the bastion shows a key that we can check; those of
 * certificates too where an authority is filed for the host, and else leaves them out, as no certificate would count.
 *
 * The order is otherwise kept. (OpenSSH's order_hostkeyalgs leaves the whole list as it is when the first algorithm's key
 * is filed; then a bastion that has lost that key may show one that nobody knows.)
 */
export function orderHostKeyAlgorithms(
  algorithms: readonly string[],
  policy: Pick<HostKeyPolicy, 'lookupName' | 'lookupNameWithoutPort'>,
  entries: readonly KnownHostEntry[],
): readonly string[] {
  for (const name of namesOf(policy)) {
    const filed = entries.filter((entry) => entryNames(entry, name));
    const hasAuthority = filed.some((entry) => entry.marker === 'cert-authority');
    const plain = filed.filter((entry) => entry.marker === 'none');
    const types = new Set(plain.map((entry) => entry.key.type));
    const usable = hasAuthority ? algorithms : withoutCertificates(algorithms);
    const known = usable.filter((algorithm) =>
      isCertificateType(algorithm) ? hasAuthority : types.has(keyTypeOfAlgorithm(algorithm)),
    );
    if (known.length > 0) return [...known, ...usable.filter((algorithm) => !known.includes(algorithm))];
  }
  return withoutCertificates(algorithms);
}

/** Puts the algorithms of a key that the bastion must show first, the order otherwise kept. */
export function heldKeyAlgorithms(algorithms: readonly string[], held: PublicKey): readonly string[] {
  const plain = withoutCertificates(algorithms);
  const isHeld = (algorithm: string): boolean => keyTypeOfAlgorithm(algorithm) === held.type;
  return [...plain.filter(isHeld), ...plain.filter((algorithm) => !isHeld(algorithm))];
}

/** Of a list with certificates only, which the user must have set, the plain key inside the certificate is what counts. */
function withoutCertificates(algorithms: readonly string[]): readonly string[] {
  const plain = algorithms.filter((algorithm) => !isCertificateType(algorithm));
  return plain.length > 0 ? plain : algorithms;
}

/** The type of the keys that sign by an algorithm: RSA keys have one type and three algorithms (RFC 8332). */
export function keyTypeOfAlgorithm(algorithm: string): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}
