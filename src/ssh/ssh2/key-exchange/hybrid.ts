import { createHash, createPrivateKey, createPublicKey, diffieHellman, randomBytes } from 'node:crypto';
import {
  loadMlKem,
  ML_KEM_CIPHERTEXT_BYTES,
  ML_KEM_PUBLIC_BYTES,
  ML_KEM_SEED_BYTES,
  type MlKem768,
} from './ml-kem.ts';

/** ML-KEM-768 and X25519 at once, which is safe as long as one of them is (draft-ietf-sshm-mlkem-hybrid-kex). */
export const HYBRID_METHOD = 'mlkem768x25519-sha256';

const X25519_BYTES = 32;
const HYBRID_SEED_BYTES = ML_KEM_SEED_BYTES + X25519_BYTES;
const CLIENT_BYTES = ML_KEM_PUBLIC_BYTES + X25519_BYTES;
const SERVER_BYTES = ML_KEM_CIPHERTEXT_BYTES + X25519_BYTES;

/** What stands before the 32 bytes of a key (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

/** The client's keys of one key exchange. */
export interface HybridKeys {
  /** C_INIT: the ML-KEM key, then the X25519 key. */
  readonly publicKey: Buffer;
  /**
   * The shared secret K, which goes into hashes as a string and not as a number.
   *
   * @param reply S_REPLY: the ciphertext, then the server's X25519 key
   * @throws Error when it has another length, or its X25519 key gives a secret of zeros
   */
  computeSecret(reply: Uint8Array): Buffer;
}

/**
 * Makes keys.
 *
 * @param seed for tests: 64 bytes of ML-KEM, then the private key of X25519
 */
export function hybridKeys(mlKem: MlKem768, seed: Uint8Array = randomBytes(HYBRID_SEED_BYTES)): HybridKeys {
  const postQuantum = mlKem.keysOf(seed.subarray(0, ML_KEM_SEED_BYTES));
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed.subarray(ML_KEM_SEED_BYTES)]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: Buffer.concat([postQuantum.publicKey, spki.subarray(SPKI_PREFIX.length)], CLIENT_BYTES),
    computeSecret: (reply) => {
      if (reply.length !== SERVER_BYTES) {
        throw new Error(`${HYBRID_METHOD}: ${reply.length} bytes instead of ${SERVER_BYTES}`);
      }
      const theirKey = createPublicKey({
        key: Buffer.concat([SPKI_PREFIX, reply.subarray(ML_KEM_CIPHERTEXT_BYTES)]),
        format: 'der',
        type: 'spki',
      });
      return createHash('sha256')
        .update(postQuantum.decapsulate(reply.subarray(0, ML_KEM_CIPHERTEXT_BYTES)))
        .update(diffieHellman({ privateKey, publicKey: theirKey }))
        .digest();
    },
  };
}

/** Keys for the exchanges of one connection; no two are the same. */
export interface HybridKeySource {
  /** Loads what keys are made with, once; in JavaScript that and the first keys take 30 to 90 ms. @throws Error when it cannot be loaded */
  prepare(): Promise<void>;
  readonly isPrepared: boolean;
  /** @throws TypeError before it is prepared */
  newKeys(): HybridKeys;
}

/** Nothing is loaded yet. */
export function hybridKeySource(): HybridKeySource {
  let mlKem: MlKem768 | undefined;
  let first: HybridKeys | undefined;
  let preparing: Promise<void> | undefined;
  return {
    prepare: () => {
      preparing ??= loadMlKem().then((loaded) => {
        first = hybridKeys(loaded);
        mlKem = loaded;
      });
      return preparing;
    },
    get isPrepared() {
      return mlKem !== undefined;
    },
    newKeys: () => {
      if (mlKem === undefined) throw new TypeError('its keys cannot be made yet');
      const keys = first ?? hybridKeys(mlKem);
      first = undefined;
      return keys;
    },
  };
}
