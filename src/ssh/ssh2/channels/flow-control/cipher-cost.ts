/** The remedy for a cipher that costs more than it has to. */
export const NATIVE_CRYPTO_REMEDY =
  'with a compiler, and Node.js 24 at most: npm install-scripts approve ssh2 cpu-features && npm rebuild ssh2 cpu-features';

/**
 * What is to be said of a cipher where ssh2's native code was not built (native-notes/openssl-in-node.md); undefined when it costs
 * no more without it.
 *
 * @param cipher as it was agreed on, both names where the directions differ
 * @param hasAesGcm whether the OpenSSL that is part of Node can be called for AES-GCM
 */
export function cipherCost(cipher: string, hasAesGcm: boolean): string | undefined {
  const isGcm = cipher.split(', ').every((one) => one.includes('-gcm@'));
  if (isGcm && hasAesGcm) return undefined;
  const cost = `${cipher} is encrypted in JavaScript, at ${isGcm ? 'four times' : 'up to twice'} the CPU`;
  const other = hasAesGcm ? 'have the bastion take aes128-gcm@openssh.com, or ' : '';
  return `${cost}, for ssh2's native crypto was not built at installation; ${other}${NATIVE_CRYPTO_REMEDY}`;
}
