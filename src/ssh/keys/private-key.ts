import {
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  sign as signData,
} from 'node:crypto';
import { createRequire } from 'node:module';
import type ssh2 from 'ssh2';
import { messageOf } from '../../core/errors.ts';
import { inLongTurn } from '../../net/machine/loop-watchdog.ts';
import { isOpensshKeyFile, parseOpensshKeyFile, readableBySsh2 } from './openssh-key-file.ts';
import type { PublicKey } from './public-key.ts';
import { KeyUnavailableError, SIGNATURE_HASHES } from './signing-key.ts';
import { encodeString } from './wire.ts';

const require = createRequire(import.meta.url);

/** What the text of a private key file tells without its passphrase. */
export interface PrivateKeyOutline {
  readonly encryption: 'none' | 'encrypted';
  /** OpenSSH's own format carries it in clear; PEM does not. */
  readonly publicKey: PublicKey | undefined;
}

/**
 * Looks at a private key file: OpenSSH's own format, PKCS#1, SEC1 or PKCS#8.
 *
 * @returns undefined when it is none of these.
 */
export function outlinePrivateKey(text: string): PrivateKeyOutline | undefined {
  if (isOpensshKeyFile(text)) {
    const file = parseOpensshKeyFile(text);
    return file && { encryption: file.cipher === 'none' ? 'none' : 'encrypted', publicKey: file.publicKey };
  }
  if (!/^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/m.test(text)) return undefined;
  const encrypted = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text);
  return { encryption: encrypted ? 'encrypted' : 'none', publicKey: undefined };
}

/** A private key, decrypted. */
export interface PrivateKey {
  readonly publicKey: PublicKey;
  /** As {@link SigningKey.sign}. */
  sign(data: Buffer, algorithm: string): Buffer;
}

/**
 * Decrypts a private key file.
 *
 * @throws KeyUnavailableError when it cannot be read with this passphrase. With none given and none needed, it is
 *   malformed or of a type that we cannot use.
 */
export function decryptPrivateKey(text: string, passphrase: string | undefined): PrivateKey {
  const key = inLongTurn(() =>
    isOpensshKeyFile(text) ? keyFromOpenSsh(text, passphrase) : keyFromPem(text, passphrase),
  );
  return {
    publicKey: publicKeyOf(key),
    sign: (data, algorithm) => signData(hashFor(algorithm), data, key),
  };
}

function hashFor(algorithm: string): string | null {
  const hash = SIGNATURE_HASHES[algorithm];
  if (hash === undefined) throw new KeyUnavailableError(`cannot sign with ${algorithm}`);
  return hash;
}

function keyFromOpenSsh(text: string, passphrase: string | undefined): KeyObject {
  // Only here: it takes longer to load than all that is to be known before a key is used.
  const { parseKey } = require('ssh2/lib/protocol/keyParser.js') as typeof ssh2.utils;
  const parsed: unknown = parseKey(readableBySsh2(text, passphrase), passphrase);
  const key = (Array.isArray(parsed) ? parsed[0] : parsed) as ssh2.ParsedKey | Error;
  if (key instanceof Error) throw new KeyUnavailableError(key.message, { cause: key });
  return keyFromPem(key.getPrivatePEM(), undefined);
}

function keyFromPem(text: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    throw new KeyUnavailableError(messageOf(error), { cause: error });
  }
}

const CURVES: Readonly<Record<string, string>> = {
  'P-256': 'nistp256',
  'P-384': 'nistp384',
  'P-521': 'nistp521',
};

function publicKeyOf(key: KeyObject): PublicKey {
  const jwk = createPublicKey(key).export({ format: 'jwk' });
  const { type, fields } = wireFields(jwk);
  return { type, blob: Buffer.concat([type, ...fields].map(encodeString)) };
}

/** RFC 4253 section 6.6 (RSA), RFC 5656 section 3.1 (ECDSA), RFC 8709 section 4 (Ed25519). */
function wireFields(jwk: JsonWebKey): { type: string; fields: Array<Buffer | string> } {
  if (jwk.kty === 'RSA') return { type: 'ssh-rsa', fields: [mpint(jwk.e), mpint(jwk.n)] };
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') return { type: 'ssh-ed25519', fields: [bytes(jwk.x)] };
  const curve = jwk.kty === 'EC' ? CURVES[jwk.crv ?? ''] : undefined;
  if (curve === undefined)
    throw new KeyUnavailableError(`keys of type ${jwk.kty} ${jwk.crv ?? ''} are not supported`);
  const point = Buffer.concat([Buffer.of(4), bytes(jwk.x), bytes(jwk.y)]);
  return { type: `ecdsa-sha2-${curve}`, fields: [curve, point] };
}

function bytes(base64url: string | undefined): Buffer {
  return Buffer.from(base64url ?? '', 'base64url');
}

/** JWK integers are unsigned without leading zeros; an `mpint` whose first bit is set needs one. */
function mpint(base64url: string | undefined): Buffer {
  const value = bytes(base64url);
  return (value[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), value]) : value;
}
