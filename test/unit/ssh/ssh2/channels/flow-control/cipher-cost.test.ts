import { expect, test } from 'vitest';
import { cipherCost } from '../../../../../../src/ssh/ssh2/channels/flow-control/cipher-cost.ts';

const GCM = 'aes128-gcm@openssh.com';
const CHACHA = 'chacha20-poly1305@openssh.com';

test('nothing is said of AES-GCM where Node shows its OpenSSL', () => {
  for (const cipher of [GCM, 'aes256-gcm@openssh.com', `${GCM} up, aes256-gcm@openssh.com down`]) {
    expect(cipherCost(cipher, true)).toBeUndefined();
  }
});

test('of another cipher is said what it costs, and that AES-GCM would cost nothing', () => {
  expect(cipherCost(CHACHA, true)).toBe(
    `${CHACHA} is encrypted in JavaScript, at up to twice the CPU, for ssh2's native crypto was not built at installation; ` +
      'have the bastion take aes128-gcm@openssh.com, or with a compiler, and Node.js 24 at most: ' +
      'npm install-scripts approve ssh2 cpu-features && npm rebuild ssh2 cpu-features',
  );
  expect(cipherCost(`${GCM} up, ${CHACHA} down`, true)).toContain('up to twice');
});

test('a Node that hides its OpenSSL pays for AES-GCM, too', () => {
  const said = cipherCost(GCM, false);
  expect(said).toContain('at four times the CPU');
  expect(said).not.toContain('have the bastion take');
});
