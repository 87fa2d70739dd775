import { expect, test } from 'vitest';
import { cipherCost } from '../../../../../../src/ssh/ssh2/channels/flow-control/cipher-cost.ts';

const GCM = 'aes128-gcm@openssh.com';
const CHACHA = 'chacha20-poly1305@openssh.com';
const CBC = 'aes128-cbc';

test('nothing is said of what OpenSSL does, where Node shows it', () => {
  for (const cipher of [GCM, CHACHA, 'aes256-ctr', `${GCM} up, aes192-ctr down`]) {
    expect(cipherCost(cipher, true), cipher).toBeUndefined();
  }
});

test('of another cipher is said what it costs, and that AES-GCM would cost nothing', () => {
  expect(cipherCost(CBC, true)).toBe(
    `${CBC} is encrypted in JavaScript, at up to twice the CPU, for ssh2's native crypto was not built at installation; ` +
      'have the bastion take aes128-gcm@openssh.com, or with a compiler, and Node.js 24 at most: ' +
      'npm install-scripts approve ssh2 cpu-features && npm rebuild ssh2 cpu-features',
  );
  expect(cipherCost(`${GCM} up, ${CBC} down`, true)).toContain('up to twice');
});

test('a Node that hides its OpenSSL pays for every cipher', () => {
  for (const cipher of [GCM, CHACHA, 'aes256-ctr']) {
    const said = cipherCost(cipher, false);
    expect(said).toContain('at up to four times the CPU');
    expect(said).not.toContain('have the bastion take');
  }
});
