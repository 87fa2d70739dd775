import type { Certificate } from '../keys/certificate.ts';
import { fingerprintOf, keyTypeName, samePublicKey } from '../keys/public-key.ts';
import { signatureAlgorithm } from '../keys/signature.ts';
import type { HostKeyPolicy } from '../ssh-target.ts';
import { entryNames, type KnownHostEntry } from './known-hosts.ts';

/** What the known_hosts files say about a certificate whose signature has been checked. */
export type HostCertificateDecision =
  | { readonly kind: 'trusted'; readonly entry: KnownHostEntry }
  /** By an authority for this host, and yet not for this host, or not now. */
  | { readonly kind: 'refused'; readonly entry: KnownHostEntry; readonly problem: CertificateProblem }
  /** By nobody we know: then only its plain key counts. */
  | { readonly kind: 'unknown authority' }
  | { readonly kind: 'revoked'; readonly entry: KnownHostEntry; readonly what: 'key' | 'authority' };

/** Why a certificate does not count, and what the user can do about it. */
export interface CertificateProblem {
  readonly reason: string;
  readonly remedy: string;
}

/** The names that decide, and the algorithms that an authority may sign with. */
type CertificatePolicy = Pick<
  HostKeyPolicy,
  'lookupName' | 'lookupNameWithoutPort' | 'certificateName' | 'authoritySignatureAlgorithms'
>;

/**
 * Judges a host certificate as OpenSSH does (sshconnect.c check_host_key, sshkey.c sshkey_cert_check_host).
 *
 * `@revoked` lines come first, for the certified key and for its authority. A host on another port than 22 is looked up
 * without it where no line with its port has the authority.
 */
export function decideHostCertificate(
  certificate: Certificate,
  policy: CertificatePolicy,
  entries: readonly KnownHostEntry[],
  nowMs: number,
): HostCertificateDecision {
  const names = [policy.lookupName, policy.lookupNameWithoutPort].filter((name) => name !== undefined);
  for (const name of names) {
    const filed = entries.filter((entry) => entryNames(entry, name));
    const revoked = findRevocation(certificate, filed);
    if (revoked !== undefined) return revoked;
    const entry = filed.find(
      (one) => one.marker === 'cert-authority' && samePublicKey(one.key, certificate.authorityKey),
    );
    if (entry === undefined) continue;
    const problem = certificateProblem(certificate, policy, nowMs);
    return problem === undefined ? { kind: 'trusted', entry } : { kind: 'refused', entry, problem };
  }
  return { kind: 'unknown authority' };
}

function findRevocation(
  certificate: Certificate,
  filed: readonly KnownHostEntry[],
): HostCertificateDecision | undefined {
  for (const entry of filed) {
    if (entry.marker !== 'revoked') continue;
    if (samePublicKey(entry.key, certificate.certifiedKey)) return { kind: 'revoked', entry, what: 'key' };
    if (samePublicKey(entry.key, certificate.authorityKey))
      return { kind: 'revoked', entry, what: 'authority' };
  }
  return undefined;
}

function certificateProblem(
  certificate: Certificate,
  policy: CertificatePolicy,
  nowMs: number,
): CertificateProblem | undefined {
  const nowS = BigInt(Math.floor(nowMs / 1000));
  const renew = 'ask who runs the bastion for a new certificate (ssh-keygen -s CA -h)';
  if (certificate.kind !== 'host') return { reason: 'it is a certificate for users', remedy: renew };
  if (nowS < certificate.validAfterS) {
    return {
      reason: `it is not valid before ${describeTime(certificate.validAfterS)}`,
      remedy: 'check the clock of this machine, or ask who runs the bastion',
    };
  }
  if (nowS >= certificate.validBeforeS) {
    return { reason: `it expired at ${describeTime(certificate.validBeforeS)}`, remedy: renew };
  }
  const { principals } = certificate;
  if (principals.length > 0 && !principals.includes(policy.certificateName)) {
    return {
      reason: `it is for ${principals.join(', ')}, not for ${policy.certificateName}`,
      remedy: `call the bastion by a name in its certificate, or set -o HostKeyAlias=${principals[0]}`,
    };
  }
  if (certificate.criticalOptions.length > 0) {
    const options = certificate.criticalOptions.map(({ name }) => name).join(', ');
    return { reason: `it has critical options that no host has: ${options}`, remedy: renew };
  }
  const algorithm = signatureAlgorithm(certificate.signature) ?? '';
  if (!policy.authoritySignatureAlgorithms.includes(algorithm)) {
    return {
      reason: `its authority signed it with ${algorithm}, which CASignatureAlgorithms leaves out`,
      remedy: `${renew}, or allow it with -o CASignatureAlgorithms=+${algorithm}`,
    };
  }
  return undefined;
}

/** The last second that a Date can hold; a certificate may say more. */
const MAX_DATE_S = 8_640_000_000_000n;

function describeTime(timeS: bigint): string {
  const shown = timeS > MAX_DATE_S ? MAX_DATE_S : timeS;
  return new Date(Number(shown) * 1000).toISOString().replace('.000Z', 'Z');
}

/** For people: its ID, serial and authority. */
export function describeCertificate(certificate: Certificate): string {
  const { keyId, serial, authorityKey } = certificate;
  const authority = `${keyTypeName(authorityKey.type)} ${fingerprintOf(authorityKey)}`;
  return `host certificate '${keyId}' (serial ${serial}, authority ${authority})`;
}
