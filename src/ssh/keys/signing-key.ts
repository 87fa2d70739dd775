import type { Certificate } from './certificate.ts';
import { fingerprintOf, keyTypeName, type PublicKey } from './public-key.ts';

/** The signature algorithms of user authentication that we make (RFC 8332 for RSA; never SHA-1). */
export const SIGNATURE_HASHES: Readonly<Record<string, string | null>> = {
  'ssh-ed25519': null,
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
  'rsa-sha2-256': 'sha256',
  'rsa-sha2-512': 'sha512',
};

/** A key to authenticate with, wherever its private half is. */
export interface SigningKey {
  readonly publicKey: PublicKey;
  /** Over the public key; offered in its place. */
  readonly certificate?: Certificate;
  /** What it signs with, where it has several algorithms and the user allows one; the bastion chooses otherwise. */
  readonly onlyAlgorithm?: string;
  /** For people: type, fingerprint and where it comes from. */
  readonly description: string;
  /**
   * Signs with one of {@link SIGNATURE_HASHES}, or as a security key does. May ask the user: for a passphrase, or through the agent.
   *
   * @returns the signature as `node:crypto` gives it: DER for ECDSA, plain bytes otherwise; of a security key what stands
   *   behind the algorithm in SSH's own encoding: the signature, flags and counter (PROTOCOL.u2f)
   * @throws KeyUnavailableError when the private half cannot be used.
   */
  sign(data: Buffer, algorithm: string): Promise<Buffer>;
}

/** A key cannot be used on our side; the message says why. Authentication goes on with the next one. */
export class KeyUnavailableError extends Error {
  override readonly name = 'KeyUnavailableError';
  /** What the user can do about it, where that is more than to name another key. */
  readonly remedy: string | undefined;

  constructor(message: string, options: { readonly cause?: unknown; readonly remedy?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.remedy = options.remedy;
  }
}

const SECURITY_KEY_TYPES = ['sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com'];

/** Whether a key of this type is in a security key (FIDO): only its agent can sign with it, when the user touches it. */
export function isSecurityKey(type: string): boolean {
  return SECURITY_KEY_TYPES.includes(type);
}

/** Why a key of this type cannot be used by us; undefined when it can. */
export function whyUnusable(type: string): string | undefined {
  if (type === 'ssh-rsa' || type in SIGNATURE_HASHES || isSecurityKey(type)) return undefined;
  return `keys of type ${type} are not supported`;
}

/** `ED25519 SHA256:... (from the agent)`. */
export function describeKeyFrom(key: PublicKey, source: string): string {
  return `${keyTypeName(key.type)} ${fingerprintOf(key)} (${source})`;
}
