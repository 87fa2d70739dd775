import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  keyEntries,
  keyWith,
  PERMIT_OPEN,
  withKey,
  withoutKey,
} from '../../../../src/bastion/gates/authorized-keys.ts';
import { encodeString } from '../../../../src/ssh/keys/wire.ts';

function keyOf(seed: number): string {
  const blob = Buffer.concat([encodeString('ssh-ed25519'), encodeString(Buffer.alloc(32, seed))]);
  return `ssh-ed25519 ${blob.toString('base64')}`;
}

const OTHERS = `# mine
command="echo \\"a b\\" # ssh-rsa x",no-pty ${keyOf(1)} admin of it
\tfrom="10.0.0.0/8" ${keyOf(2)}
not a line

`;

describe('authorized_keys', () => {
  test('is read as sshd reads it', () => {
    const entries = keyEntries(OTHERS);
    expect(entries.map(({ comment, options }) => [comment, options])).toEqual([
      ['admin of it', 'command="echo \\"a b\\" # ssh-rsa x",no-pty'],
      ['', 'from="10.0.0.0/8"'],
    ]);
    const folder = mkdtempSync(join(tmpdir(), 'tshuttle-keys-'));
    try {
      writeFileSync(join(folder, 'keys'), OTHERS);
      const told = execFileSync('ssh-keygen', ['-lf', join(folder, 'keys')], { encoding: 'utf8' });
      expect(told.match(/SHA256:\S+/g)).toEqual(entries.map(({ fingerprint }) => fingerprint));
      expect(readFileSync(join(folder, 'keys'), 'utf8')).toBe(OTHERS);
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(keyWith(OTHERS, entries[1]!.fingerprint)).toBe(keyOf(2));
    expect(keyWith(OTHERS, 'SHA256:none')).toBeUndefined();
  });

  test('a key comes and goes, and all other lines stay byte for byte', () => {
    const added = withKey(OTHERS, `${keyOf(3)} me`, ['10.0.0.8:22', '*:443']);
    expect(added).toBe(
      `${OTHERS}restrict,port-forwarding,permitopen="10.0.0.8:22",permitopen="*:443" ${keyOf(3)} me\n`,
    );
    expect(withKey(added, `${keyOf(3)} me`, [])).toBe(`${OTHERS}restrict,port-forwarding ${keyOf(3)} me\n`);
    expect(withoutKey(added, keyOf(3))).toBe(OTHERS);
    expect(withKey('no end of line', keyOf(3), [])).toBe(
      `no end of line\nrestrict,port-forwarding ${keyOf(3)}\n`,
    );
    // Whatever its options are.
    expect(withoutKey(OTHERS, keyOf(1))).not.toContain('command=');
  });

  test.each([
    ['10.0.0.8:22', true],
    ['[2001:db8::1]:22', true],
    ['*:22', true],
    ['db.internal:*', true],
    ['10.0.0.8', false],
    ['10.0.0.8:0', false],
    ['a b:22', false],
    ['a":22', false],
    ['a:22"\nssh-ed25519', false],
    ['a:22\n', false],
    ['-a:22', false],
  ])('%j as a place: %s', (text, isPlace) => {
    expect(PERMIT_OPEN.test(text)).toBe(isPlace);
  });
});
