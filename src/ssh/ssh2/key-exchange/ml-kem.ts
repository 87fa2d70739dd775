import * as crypto from 'node:crypto';

/** FIPS 203, table 3. */
export const ML_KEM_PUBLIC_BYTES = 1184;
export const ML_KEM_CIPHERTEXT_BYTES = 1088;

/** `d || z` of FIPS 203 algorithm 16: all that a key pair is made of. */
export const ML_KEM_SEED_BYTES = 64;

/** One ephemeral key pair. */
interface MlKemKeys {
  readonly publicKey: Uint8Array;
  /**
   * A ciphertext that was not made for this key gives another secret, and no error (FIPS 203 section 6.3).
   *
   * @param ciphertext of {@link ML_KEM_CIPHERTEXT_BYTES}
   */
  decapsulate(ciphertext: Uint8Array): Uint8Array;
}

/** An implementation of ML-KEM-768; the same seed gives the same keys in all of them. */
export interface MlKem768 {
  readonly by: 'OpenSSL' | '@noble/post-quantum';
  keysOf(seed: Uint8Array): MlKemKeys;
}

/** Since Node.js 24.7 with OpenSSL 3.5; the types of Node.js 20 have none of it. */
const { decapsulate } = crypto as {
  readonly decapsulate?: (key: crypto.KeyObject, ciphertext: Uint8Array) => Buffer;
};

/** PKCS #8 of the seed alone, and SubjectPublicKeyInfo: what stands before the bytes (RFC 9935). */
const PKCS8_PREFIX = Buffer.from('3054020100300b060960864801650304040204428040', 'hex');
const SPKI_PREFIX = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex');

/** Node's own, which costs 0.3 ms a key exchange; undefined where it has none. */
export function openSslMlKem(): MlKem768 | undefined {
  if (decapsulate === undefined) return undefined;
  const mlKem: MlKem768 = {
    by: 'OpenSSL',
    keysOf: (seed) => {
      const privateKey = crypto.createPrivateKey({
        key: Buffer.concat([PKCS8_PREFIX, seed]),
        format: 'der',
        type: 'pkcs8',
      });
      const spki = crypto.createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
      return {
        publicKey: spki.subarray(SPKI_PREFIX.length),
        decapsulate: (ciphertext) => decapsulate(privateKey, ciphertext),
      };
    },
  };
  try {
    // A Node.js of a distribution may be linked with an OpenSSL that is older than it is.
    mlKem.keysOf(crypto.randomBytes(ML_KEM_SEED_BYTES));
    return mlKem;
  } catch {
    return undefined;
  }
}

/** In JavaScript: loaded only where it is asked for. */
export async function nobleMlKem(): Promise<MlKem768> {
  const { ml_kem768: mlKem } = await import('@noble/post-quantum/ml-kem');
  return {
    by: '@noble/post-quantum',
    keysOf: (seed) => {
      const { publicKey, secretKey } = mlKem.keygen(seed);
      return { publicKey, decapsulate: (ciphertext) => mlKem.decapsulate(ciphertext, secretKey) };
    },
  };
}

let loading: Promise<MlKem768> | undefined;

/** The best that there is here. */
export function loadMlKem(): Promise<MlKem768> {
  loading ??= Promise.resolve(openSslMlKem() ?? nobleMlKem());
  return loading;
}
