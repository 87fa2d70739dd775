import { createHash } from 'node:crypto';
import { WireReader } from './wire.ts';

/** A public key as it travels in SSH: `blob` begins with its own type name. */
export interface PublicKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, ...; never a signature algorithm such as `rsa-sha2-512`. */
  readonly type: string;
  readonly blob: Buffer;
}

/**
 * Takes a blob for what it says it is.
 *
 * @returns undefined when no type name can be read from it.
 */
export function publicKeyFromBlob(blob: Buffer): PublicKey | undefined {
  const type = new WireReader(blob).string()?.toString('latin1');
  return type === undefined || !/^[!-~]{1,64}$/.test(type) ? undefined : { type, blob };
}

/**
 * Parses `type base64 [comment]`, the format of `.pub` files and of the end of a known_hosts line.
 *
 * @returns undefined when it is not that, or when the blob is of another type than the line says.
 */
export function parsePublicKeyLine(line: string): PublicKey | undefined {
  const [type, base64] = line.trim().split(/[ \t]+/, 2);
  if (type === undefined || base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const key = publicKeyFromBlob(Buffer.from(base64, 'base64'));
  return key?.type === type ? key : undefined;
}

/** Whether both are the same key. */
export function samePublicKey(a: PublicKey, b: PublicKey): boolean {
  return a.blob.equals(b.blob);
}

/** `SHA256:` and the unpadded base64 of the blob's hash, as every OpenSSH tool shows it. */
export function fingerprintOf(key: PublicKey): string {
  return `SHA256:${createHash('sha256').update(key.blob).digest('base64').replace(/=+$/, '')}`;
}

/** The short name that OpenSSH's messages use: `ED25519`, `ECDSA`, `RSA`, `DSA`; an unknown type as it is. */
export function keyTypeName(type: string): string {
  const family = /^(?:ssh|sk-ssh)-(ed25519|rsa|dss)|^(?:sk-)?(ecdsa)-sha2-/.exec(type);
  const name = (family?.[1] ?? family?.[2] ?? type).toUpperCase();
  const plain = name === 'DSS' ? 'DSA' : name;
  return type.startsWith('sk-') ? `${plain}-SK` : plain;
}
