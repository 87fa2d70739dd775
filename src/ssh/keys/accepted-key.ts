import { certificateAlgorithm } from './certificate.ts';
import type { PublicKey } from './public-key.ts';
import { rsaBits } from './signature.ts';
import type { SigningKey } from './signing-key.ts';

/** RSA keys sign in several ways (RFC 8332); all others in one, which has the name of their type. */
const RSA_ALGORITHMS = ['rsa-sha2-512', 'rsa-sha2-256'];

/**
 * Holds a key to the algorithms that the user accepts (PubkeyAcceptedAlgorithms).
 *
 * @param accepted undefined for all
 * @returns undefined when there is none with which it may sign
 */
export function acceptedKey(
  key: SigningKey,
  accepted: readonly string[] | undefined,
): SigningKey | undefined {
  if (accepted === undefined) return key;
  const { type } = key.publicKey;
  const algorithms = type === 'ssh-rsa' ? RSA_ALGORITHMS : [type];
  const usable = algorithms.filter((algorithm) =>
    accepted.includes(key.certificate === undefined ? algorithm : certificateAlgorithm(algorithm)),
  );
  const [only, ...more] = usable;
  if (only === undefined) return undefined;
  return type === 'ssh-rsa' && more.length === 0 ? { ...key, onlyAlgorithm: only } : key;
}

/** Why RequiredRSASize leaves a key out; undefined where it does not. */
export function whyTooSmall(key: PublicKey, requiredRsaBits: number): string | undefined {
  const bits = rsaBits(key);
  const isSmall = bits !== undefined && bits < requiredRsaBits;
  return isSmall ? `it has ${bits} bits, and RequiredRSASize is ${requiredRsaBits}` : undefined;
}
