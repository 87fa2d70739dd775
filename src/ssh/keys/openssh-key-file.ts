import { createDecipheriv, timingSafeEqual } from 'node:crypto';
import { createRequire } from 'node:module';
import { poly1305 } from './poly1305.ts';
import { type PublicKey, publicKeyFromBlob } from './public-key.ts';
import { KeyUnavailableError } from './signing-key.ts';
import { encodeString, encodeUint32, WireReader } from './wire.ts';

const require = createRequire(import.meta.url);

const BEGIN = '-----BEGIN OPENSSH PRIVATE KEY-----';
const END = '-----END OPENSSH PRIVATE KEY-----';
const MAGIC = Buffer.from('openssh-key-v1\0');

const CHACHA20_POLY1305 = 'chacha20-poly1305@openssh.com';
/** Of the two ChaCha20 keys the first is for the data; the second one, for lengths, is not used in a file. */
const CHACHA20_KEYS_BYTES = 64;
const CHACHA20_KEY_BYTES = 32;
const CHACHA20_BLOCK_BYTES = 64;

/** A private key in OpenSSH's own format (its PROTOCOL.key), as it can be read without the passphrase. */
export interface OpensshKeyFile {
  /** `none` also where a passphrase was set with `ssh-keygen -Z none`, which has no effect. */
  readonly cipher: string;
  readonly kdfOptions: Buffer;
  readonly publicBlob: Buffer;
  readonly publicKey: PublicKey | undefined;
  /** The private half, encrypted unless the cipher is `none`. */
  readonly privateSection: Buffer;
  /** Behind the private half: what authenticates it, with some ciphers. */
  readonly tag: Buffer;
}

/** Whether a text says of itself that it is in OpenSSH's own format. */
export function isOpensshKeyFile(text: string): boolean {
  return text.includes(BEGIN);
}

/** @returns undefined when it is not in that format, or has several keys. */
export function parseOpensshKeyFile(text: string): OpensshKeyFile | undefined {
  const start = text.indexOf(BEGIN) + BEGIN.length;
  const data = Buffer.from(text.slice(start, text.indexOf(END, start)), 'base64');
  if (!data.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const reader = new WireReader(data.subarray(MAGIC.length));
  const cipher = reader.string()?.toString('latin1');
  const kdf = reader.string();
  const kdfOptions = reader.string();
  const count = reader.uint32();
  const publicBlob = reader.string();
  if (cipher === undefined || kdf === undefined || kdfOptions === undefined) return undefined;
  if (count !== 1 || publicBlob === undefined) return undefined;
  return {
    cipher,
    kdfOptions,
    publicBlob,
    publicKey: publicKeyFromBlob(publicBlob),
    privateSection: reader.string() ?? Buffer.alloc(0),
    tag: data.subarray(MAGIC.length + reader.offset),
  };
}

/**
 * The text of a key file that ssh2 can read with this passphrase: what it cannot decrypt by itself, as of
 * `ssh-keygen -Z chacha20-poly1305@openssh.com`, decrypted; any other as it is.
 *
 * @throws KeyUnavailableError when the passphrase is wrong
 */
export function readableBySsh2(text: string, passphrase: string | undefined): string {
  const file = parseOpensshKeyFile(text);
  if (file?.cipher === 'none') return plainKeyFile(file, file.privateSection);
  if (file?.cipher !== CHACHA20_POLY1305 || passphrase === undefined) return text;
  return plainKeyFile(file, decryptChaCha20(file, passphrase));
}

function plainKeyFile({ publicBlob }: OpensshKeyFile, privateSection: Buffer): string {
  const data = Buffer.concat([
    MAGIC,
    ...['none', 'none', ''].map(encodeString),
    encodeUint32(1),
    encodeString(publicBlob),
    encodeString(privateSection),
  ]);
  return `${BEGIN}\n${data.toString('base64')}\n${END}\n`;
}

/** OpenSSH's PROTOCOL.chacha20poly1305, with the sequence number 0 and without a length. */
function decryptChaCha20({ kdfOptions, privateSection, tag }: OpensshKeyFile, passphrase: string): Buffer {
  const key = deriveKey(passphrase, kdfOptions, CHACHA20_KEYS_BYTES).subarray(0, CHACHA20_KEY_BYTES);
  // Counter and nonce are 0, as OpenSSL has them: 16 bytes.
  const cipher = createDecipheriv('chacha20', key, Buffer.alloc(16));
  const authenticator = cipher.update(Buffer.alloc(CHACHA20_BLOCK_BYTES)).subarray(0, CHACHA20_KEY_BYTES);
  const expected = poly1305(authenticator, privateSection);
  if (tag.length !== expected.length || !timingSafeEqual(tag, expected))
    throw new KeyUnavailableError('wrong passphrase');
  return cipher.update(privateSection);
}

/** The only key derivation that OpenSSH has for its key files. */
function deriveKey(passphrase: string, kdfOptions: Buffer, length: number): Buffer {
  const reader = new WireReader(kdfOptions);
  const salt = reader.string();
  const rounds = reader.uint32();
  if (salt === undefined || rounds === undefined) throw new KeyUnavailableError('malformed key derivation');
  // ssh2's own, loaded when there is a passphrase only.
  const { pbkdf } = require('bcrypt-pbkdf') as BcryptPbkdf;
  const secret = Buffer.from(passphrase);
  const key = Buffer.alloc(length);
  if (pbkdf(secret, secret.length, salt, salt.length, key, length, rounds) !== 0)
    throw new KeyUnavailableError('malformed key derivation');
  return key;
}

/** What bcrypt-pbkdf exports; it has no types of its own. */
interface BcryptPbkdf {
  /** @returns 0 when `key` is filled */
  pbkdf(
    secret: Buffer,
    secretLength: number,
    salt: Buffer,
    saltLength: number,
    key: Buffer,
    keyLength: number,
    rounds: number,
  ): number;
}
