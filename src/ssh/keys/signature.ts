import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import type { PublicKey } from './public-key.ts';
import { WireReader } from './wire.ts';

/** Below this OpenSSH takes no RSA key, whatever is configured (SSH_RSA_MINIMUM_MODULUS_SIZE). */
const MIN_RSA_BITS = 1024;

/** The hash of each signature algorithm, and the type of key it belongs to; `undefined` for one that has its own. */
const ALGORITHMS: Readonly<Record<string, { readonly keyType: string; readonly hash: string | undefined }>> =
  {
    'ssh-ed25519': { keyType: 'ssh-ed25519', hash: undefined },
    'sk-ssh-ed25519@openssh.com': { keyType: 'sk-ssh-ed25519@openssh.com', hash: undefined },
    'ecdsa-sha2-nistp256': { keyType: 'ecdsa-sha2-nistp256', hash: 'sha256' },
    'ecdsa-sha2-nistp384': { keyType: 'ecdsa-sha2-nistp384', hash: 'sha384' },
    'ecdsa-sha2-nistp521': { keyType: 'ecdsa-sha2-nistp521', hash: 'sha512' },
    'sk-ecdsa-sha2-nistp256@openssh.com': { keyType: 'sk-ecdsa-sha2-nistp256@openssh.com', hash: 'sha256' },
    'rsa-sha2-256': { keyType: 'ssh-rsa', hash: 'sha256' },
    'rsa-sha2-512': { keyType: 'ssh-rsa', hash: 'sha512' },
    'ssh-rsa': { keyType: 'ssh-rsa', hash: 'sha1' },
  };

const CURVES: Readonly<Record<string, { readonly name: string; readonly bytes: number }>> = {
  nistp256: { name: 'P-256', bytes: 32 },
  nistp384: { name: 'P-384', bytes: 48 },
  nistp521: { name: 'P-521', bytes: 66 },
};

/** The algorithm that a signature says it was made with: its first field. */
export function signatureAlgorithm(signature: Buffer): string | undefined {
  return new WireReader(signature).string()?.toString('latin1');
}

/**
 * Whether a signature in SSH's encoding (RFC 4253 section 6.6, RFC 8332, PROTOCOL.u2f) is by the key, over the data.
 *
 * False also for whatever cannot be read or checked.
 */
export function isSignedBy(key: PublicKey, signature: Buffer, data: Buffer): boolean {
  const reader = new WireReader(signature);
  const name = reader.string()?.toString('latin1') ?? '';
  const value = reader.string();
  const algorithm = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined;
  if (algorithm === undefined || value === undefined || algorithm.keyType !== key.type) return false;
  const signed = key.type.startsWith('sk-') ? securityKeyData(key, reader, data) : data;
  if (signed === undefined || !reader.isAtEnd) return false;
  try {
    const keyObject = toKeyObject(key);
    if (keyObject === undefined) return false;
    if (keyObject.asymmetricKeyType !== 'ec') return verify(algorithm.hash, signed, keyObject, value);
    const plain = ecdsaValue(value, curveBytes(key));
    if (plain === undefined) return false;
    return verify(algorithm.hash, signed, { key: keyObject, dsaEncoding: 'ieee-p1363' }, plain);
  } catch {
    // OpenSSL refuses points that are not on the curve, and the like.
    return false;
  }
}

/** How many bits the modulus of an RSA key has; undefined for every other key. */
export function rsaBits(key: PublicKey): number | undefined {
  if (key.type !== 'ssh-rsa') return undefined;
  const [, modulus] = keyFields(key);
  const number = modulus === undefined ? Buffer.alloc(0) : withoutLeadingZeros(modulus);
  return number.length === 0 ? 0 : number.length * 8 - (Math.clz32(number[0] ?? 0) - 24);
}

/** A security key signs the hashes of the application and the message, its flags and its counter. */
function securityKeyData(key: PublicKey, reader: WireReader, data: Buffer): Buffer | undefined {
  const application = keyFields(key).at(-1);
  const flagsAndCounter = reader.bytes(5);
  if (application === undefined || flagsAndCounter === undefined) return undefined;
  return Buffer.concat([sha256(application), flagsAndCounter, sha256(data)]);
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}

/** What is behind the type; the fields of every key type look alike on the wire. */
function keyFields(key: PublicKey): Buffer[] {
  const reader = new WireReader(key.blob);
  reader.string();
  const fields: Buffer[] = [];
  while (!reader.isAtEnd) {
    const field = reader.string();
    if (field === undefined) return [];
    fields.push(field);
  }
  return fields;
}

function toKeyObject(key: PublicKey): KeyObject | undefined {
  const jwk = toJwk(key);
  return jwk === undefined ? undefined : createPublicKey({ key: jwk, format: 'jwk' });
}

function toJwk(key: PublicKey): JsonWebKey | undefined {
  const [first, second] = keyFields(key);
  if (first === undefined) return undefined;
  if (/^(?:sk-)?ssh-ed25519/.test(key.type)) {
    return { kty: 'OKP', crv: 'Ed25519', x: first.toString('base64url') };
  }
  if (second === undefined) return undefined;
  if (key.type === 'ssh-rsa') {
    if ((rsaBits(key) ?? 0) < MIN_RSA_BITS) return undefined;
    const [e, n] = [first, second].map((number) => withoutLeadingZeros(number).toString('base64url'));
    return e === undefined || n === undefined ? undefined : { kty: 'RSA', e, n };
  }
  const curve = CURVES[first.toString('latin1')];
  const isUncompressed = curve !== undefined && second[0] === 4 && second.length === 1 + 2 * curve.bytes;
  if (!isUncompressed || !key.type.includes(`-${first.toString('latin1')}`)) return undefined;
  return {
    kty: 'EC',
    crv: curve.name,
    x: second.subarray(1, 1 + curve.bytes).toString('base64url'),
    y: second.subarray(1 + curve.bytes).toString('base64url'),
  };
}

function curveBytes(key: PublicKey): number {
  return CURVES[keyFields(key)[0]?.toString('latin1') ?? '']?.bytes ?? 0;
}

/** `mpint r, mpint s` (RFC 5656 section 3.1.2) as two numbers of the length of the curve's. */
function ecdsaValue(value: Buffer, bytes: number): Buffer | undefined {
  const reader = new WireReader(value);
  const numbers = [reader.string(), reader.string()].map((number) =>
    number === undefined ? undefined : withoutLeadingZeros(number),
  );
  const padded = numbers.map((number) =>
    number === undefined || number.length > bytes
      ? undefined
      : Buffer.concat([Buffer.alloc(bytes - number.length), number]),
  );
  const [r, s] = padded;
  return r === undefined || s === undefined || !reader.isAtEnd ? undefined : Buffer.concat([r, s]);
}

function withoutLeadingZeros(number: Buffer): Buffer {
  const start = number.findIndex((byte) => byte !== 0);
  return start === -1 ? Buffer.alloc(0) : number.subarray(start);
}
