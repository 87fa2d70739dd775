import '../../support/in-process/without-native-code.ts';
import { expect, test } from 'vitest';

// What an installation without ssh2's native code does: npm does not run its script, or it cannot be compiled.

const { checkBothWays } = await import('../../support/in-process/both-ways.ts');
const { openSsh2Pair } = await import('../../support/in-process/ssh2-pair.ts');

test.each(['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'] as const)(
  '8 MiB up, half-close, 8 MiB down, byte-exact, through several key exchanges, with %s',
  async (algorithm) => {
    await using pair = await openSsh2Pair(undefined, algorithm);
    const ciphers = await checkBothWays(pair);
    expect(ciphers.size).toBeGreaterThan(1);
    const isGcm = algorithm !== 'chacha20-poly1305@openssh.com';
    for (const cipher of ciphers) {
      expect(cipher.constructor.name).toBe(isGcm ? 'AESGCMCipherNative' : 'ChaChaPolyCipherNative');
      // Replaced in every one that carried something of ours.
      expect(Object.hasOwn(cipher, 'encrypt')).toBe(isGcm);
    }
  },
);
