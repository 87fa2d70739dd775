import { createRequire } from 'node:module';
import type { Negotiated } from '../key-exchange-shape.ts';
import type { Cipher, Decipher } from './cipher-shape.ts';
import { NativeMac } from './native-mac.ts';
import { hasOpenSsl } from './openssl.ts';
import type { DirectionKeys } from './session-keys.ts';

const require = createRequire(import.meta.url);

/** ssh2's `lib/protocol/crypto.js`, as far as it is called here. */
interface Ssh2Crypto {
  readonly CIPHER_INFO: Readonly<Record<string, { readonly keyLen: number; readonly ivLen: number }>>;
  /** None of a cipher that authenticates by itself. */
  readonly MAC_INFO: Readonly<Partial<Record<string, { readonly len: number }>>>;
  createCipher(config: { readonly outbound: object }): Cipher;
  createDecipher(config: { readonly inbound: object }): Decipher;
}

/** What was agreed on for one direction. */
type Agreed = Negotiated['cs'];

/**
 * The class of ssh2's JavaScript for a cipher of its native code, which is freed: of that one alone ssh2 shows what it takes to encrypt in
 * place by OpenSSL, at half the CPU for AES-CTR and no more for any (native-notes/openssl-in-node.md). Others, and where there
 * is no OpenSSL to do it, stay as they are.
 *
 * @param cipher before it has encrypted anything
 */
export function scriptCipher(cipher: Cipher, agreed: Agreed, keys: DirectionKeys): Cipher {
  if (!isReplaced(cipher, agreed)) return cipher;
  const { _onWrite: onWrite, outSeqno: seqno } = cipher;
  const { info: cipherInfo, key: cipherKey, iv: cipherIV, ...mac } = configOf(agreed, keys);
  cipher.free();
  const outbound = { onWrite, seqno, cipherInfo, cipherKey, cipherIV, ...mac, forceNative: true };
  return ssh2Crypto().createCipher({ outbound });
}

/** The same of a decipher. */
export function scriptDecipher(decipher: Decipher, agreed: Agreed, keys: DirectionKeys): Decipher {
  if (!isReplaced(decipher, agreed)) return decipher;
  const { _onPayload: onPayload, inSeqno: seqno } = decipher;
  const { info: decipherInfo, key: decipherKey, iv: decipherIV, ...mac } = configOf(agreed, keys);
  decipher.free();
  const inbound = { onPayload, seqno, decipherInfo, decipherKey, decipherIV, ...mac, forceNative: true };
  return ssh2Crypto().createDecipher({ inbound });
}

function isReplaced(one: object, { cipher }: Agreed): boolean {
  if (!one.constructor.name.endsWith('Binding')) return false;
  if (cipher.includes('-gcm')) return hasOpenSsl();
  return (cipher.startsWith('chacha20-') || cipher.endsWith('-ctr')) && NativeMac.isThere();
}

function configOf({ cipher, mac }: Agreed, keys: DirectionKeys) {
  const { CIPHER_INFO, MAC_INFO } = ssh2Crypto();
  const info = CIPHER_INFO[cipher];
  if (info === undefined) throw new Error(`ssh2 has no cipher ${cipher}`);
  const macInfo = MAC_INFO[mac];
  return {
    info,
    key: keys.key(info.keyLen),
    iv: keys.iv(info.ivLen),
    ...(macInfo === undefined ? {} : { macInfo, macKey: keys.macKey(macInfo.len) }),
  };
}

function ssh2Crypto(): Ssh2Crypto {
  return require('ssh2/lib/protocol/crypto.js') as Ssh2Crypto;
}
