import { type Certificate, isCertificateType, parseCertificate } from '../keys/certificate.ts';
import { type PublicKey, publicKeyFromBlob } from '../keys/public-key.ts';
import { isSignedBy } from '../keys/signature.ts';
import type { SshTarget } from '../ssh-target.ts';
import { describeCertificate } from './host-certificate.ts';
import { hostKeyError } from './host-key-errors.ts';

/** What a bastion has shown: a key, alone or in a certificate. */
export interface PresentedHostKey {
  /** As it came; every later key exchange must show the same. */
  readonly blob: Buffer;
  /** Without its certificate. */
  readonly key: PublicKey;
  readonly certificate: Certificate | undefined;
}

/**
 * Reads what a bastion has shown, and checks that a certificate is signed by the authority that it names.
 *
 * @param shown may be reused by the caller afterwards
 * @throws TshuttleError ERR_HOST_KEY when it cannot be read, or is not signed so
 */
export function readPresentedKey(target: SshTarget, shown: Buffer): PresentedHostKey {
  // The parser's buffer is reused for the next packet.
  const blob = Buffer.from(shown);
  const key = publicKeyFromBlob(blob);
  if (key === undefined) throw hostKeyError(target, 'shows a host key that cannot be read');
  if (!isCertificateType(key.type)) return { blob, key, certificate: undefined };
  const certificate = parseCertificate(blob);
  if (certificate === undefined) throw hostKeyError(target, 'shows a host certificate that cannot be read');
  if (!isSignedBy(certificate.authorityKey, certificate.signature, certificate.signedData)) {
    throw hostKeyError(
      target,
      `shows a ${describeCertificate(certificate)}, which that authority has not signed`,
      'the connection may be intercepted: ask the bastion’s administrator before you connect',
    );
  }
  return { blob, key: certificate.certifiedKey, certificate };
}
