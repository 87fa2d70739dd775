/** The remedy for a cipher that costs more than it has to. */
export const NATIVE_CRYPTO_REMEDY =
  'with a compiler, and Node.js 24 at most: npm install-scripts approve ssh2 cpu-features && npm rebuild ssh2 cpu-features';

/** What OpenSSL encrypts in place (internals/ciphers). */
const IN_PLACE = /-gcm@|^chacha20-poly1305@|-ctr\b/;

/**
 * What is to be said of a cipher where ssh2's native code was not built (native-notes/openssl-in-node.md); undefined when it costs
 * no more without it.
 *
 * @param cipher as it was agreed on, both names where the directions differ
 * @param hasOpenSsl whether the OpenSSL that is part of Node can be called
 */
export function cipherCost(cipher: string, hasOpenSsl: boolean): string | undefined {
  const isInPlace = cipher.split(', ').every((one) => IN_PLACE.test(one));
  if (isInPlace && hasOpenSsl) return undefined;
  const cost = `${cipher} is encrypted in JavaScript, at ${hasOpenSsl ? 'up to twice' : 'up to four times'} the CPU`;
  const other = hasOpenSsl ? 'have the bastion take aes128-gcm@openssh.com, or ' : '';
  return `${cost}, for ssh2's native crypto was not built at installation; ${other}${NATIVE_CRYPTO_REMEDY}`;
}
