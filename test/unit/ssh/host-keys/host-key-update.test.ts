import { describe, expect, test } from 'vitest';
import { decideHostKeyUpdate } from '../../../../src/ssh/host-keys/host-key-update.ts';
import { parseKnownHosts } from '../../../../src/ssh/host-keys/known-hosts.ts';
import type { PublicKey } from '../../../../src/ssh/keys/public-key.ts';
import { encodeString } from '../../../../src/ssh/keys/wire.ts';

function makeKey(type: string, content: string): PublicKey {
  return { type, blob: Buffer.concat([encodeString(type), encodeString(content)]) };
}

const USED = makeKey('ssh-ed25519', 'used');
const NEW = makeKey('ecdsa-sha2-nistp256', 'new');
const OLD = makeKey('ssh-rsa', 'old');
const SECURITY_KEY = makeKey('sk-ssh-ed25519@openssh.com', 'touch');
const line = (names: string, key: PublicKey): string =>
  `${names} ${key.type} ${key.blob.toString('base64')}\n`;

function decide(text: string, announced: readonly PublicKey[], proved = announced): string {
  const update = decideHostKeyUpdate(
    { announced, proved },
    {
      lookupName: 'bastion',
      entries: parseKnownHosts(text, 'kh'),
      acceptedTypes: ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa'],
    },
  );
  switch (update.kind) {
    case 'nothing':
      return update.kind;
    case 'skipped':
      return `skipped: ${update.reason}`;
    case 'update':
      return [
        ...update.added.map(({ type }) => `+${type}`),
        ...update.removed.map((entry) => `-kh:${entry.line}`),
      ].join(' ');
  }
}

describe('decideHostKeyUpdate', () => {
  const known = line('bastion', USED);
  test.each([
    ['no keys', known, [], 'nothing'],
    ['what is known', known, [USED], 'nothing'],
    ['a new key', known, [USED, NEW], '+ecdsa-sha2-nistp256'],
    ['an old key missing', known + line('bastion', OLD), [USED], '-kh:2'],
    ['one for another', known + line('bastion', OLD), [USED, NEW], '+ecdsa-sha2-nistp256 -kh:2'],
    ['a type that is left out', known, [USED, SECURITY_KEY], 'nothing'],
    ['a filed key of a type that ssh2 cannot read', known + line('bastion', SECURITY_KEY), [USED], 'nothing'],
    ['one twice', known, [USED, NEW, NEW], 'skipped: it names one of them twice'],
    ['a wildcard', line('bast?on', USED), [NEW], 'skipped: kh:1 has a marker, a wildcard or several names'],
    ['a wildcard, and nothing new', line('bast?on', USED), [USED], 'nothing'],
    [
      'a revocation of whatever',
      `@revoked * ${line('', OLD).trim()}\n${known}`,
      [USED, NEW],
      'skipped: kh:1 has a marker, a wildcard or several names',
    ],
    [
      'three names',
      line('a,b,bastion', USED),
      [USED, NEW],
      'skipped: kh:1 has a marker, a wildcard or several names',
    ],
    ['a name and an address', line('bastion,10.0.0.1', USED), [USED, NEW], '+ecdsa-sha2-nistp256'],
    [
      'the key under another name',
      known + line('other', USED),
      [USED, NEW],
      'skipped: kh:2 has one of them under another name',
    ],
    [
      'an old key under another name',
      known + line('bastion', OLD) + line('other', OLD),
      [USED],
      'skipped: kh:3 has one of them under another name',
    ],
    ['another key under another name', known + line('other', OLD), [USED, NEW], '+ecdsa-sha2-nistp256'],
  ])('%s', (_name, text, announced, decision) => {
    expect(decide(text, announced)).toBe(decision);
  });

  test('a key that is not proved leaves everything as it is', () => {
    expect(decide(known + line('bastion', OLD), [USED, NEW], [USED])).toBe(
      'skipped: it does not prove that it has all of them',
    );
  });
});
