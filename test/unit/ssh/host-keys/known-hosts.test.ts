import { describe, expect, test } from 'vitest';
import { decideHostKey, orderHostKeyAlgorithms } from '../../../../src/ssh/host-keys/host-key-decision.ts';
import { formatKnownHost, parseKnownHosts } from '../../../../src/ssh/host-keys/known-hosts.ts';
import { fingerprintOf, keyTypeName, type PublicKey } from '../../../../src/ssh/keys/public-key.ts';
import { encodeString } from '../../../../src/ssh/keys/wire.ts';

function makeKey(type: string, content: string): PublicKey {
  return { type, blob: Buffer.concat([encodeString(type), encodeString(content)]) };
}

const OURS = makeKey('ssh-ed25519', 'ours');
const OTHER = makeKey('ssh-ed25519', 'other');
const RSA = makeKey('ssh-rsa', 'rsa');
const line = (key: PublicKey): string => `${key.type} ${key.blob.toString('base64')}`;

const PLAIN_PORT = { lookupName: 'bastion', lookupNameWithoutPort: undefined };
const OTHER_PORT = { lookupName: '[bastion]:2222', lookupNameWithoutPort: 'bastion' };

function decide(text: string, policy = PLAIN_PORT as typeof PLAIN_PORT | typeof OTHER_PORT, key = OURS) {
  const decision = decideHostKey(key, policy, parseKnownHosts(text, 'kh'));
  switch (decision.kind) {
    case 'trusted':
    case 'revoked':
      return `${decision.kind} kh:${decision.entry.line}`;
    case 'changed':
      return `changed ${decision.entries.map((entry) => `kh:${entry.line}`).join(' ')}`;
    case 'unknown':
      return `unknown${decision.otherKeys.map((entry) => ` kh:${entry.line}`).join('')}`;
  }
}

describe('decideHostKey', () => {
  test.each([
    ['nothing filed', '', 'unknown'],
    ['the same key', `bastion ${line(OURS)}`, 'trusted kh:1'],
    ['the same key with a comment and blanks', `  bastion\t ${line(OURS)}   me@home `, 'trusted kh:1'],
    ['a line of text, a comment, then the key', `what\n# no\n\nbastion ${line(OURS)}`, 'trusted kh:4'],
    ['a comment that looks like an entry', `#bastion ${line(OURS)}`, 'unknown'],
    ['another key of the type', `x ${line(OURS)}\nbastion ${line(OTHER)}`, 'changed kh:2'],
    ['another and the same key', `bastion ${line(OTHER)}\nbastion ${line(OURS)}`, 'trusted kh:2'],
    ['a key of another type', `bastion ${line(RSA)}`, 'unknown kh:1'],
    ['a list of names', `a,bastion,b ${line(OURS)}`, 'trusted kh:1'],
    ['a pattern', `*.lab,bast??n ${line(OURS)}`, 'trusted kh:1'],
    ['a pattern that excludes it', `*,!bast* ${line(OURS)}`, 'unknown'],
    ['capitals', `BASTION ${line(OURS)}`, 'trusted kh:1'],
    ['revoked', `bastion ${line(OURS)}\n@revoked * ${line(OURS)}`, 'revoked kh:2'],
    ['another key revoked', `@revoked * ${line(OTHER)}\nbastion ${line(OURS)}`, 'trusted kh:2'],
    ['a certificate authority', `@cert-authority * ${line(OURS)}`, 'unknown'],
    ['an unknown marker', `@trusted * ${line(OURS)}`, 'unknown'],
    ['a type that the blob is not', `bastion ssh-rsa ${OURS.blob.toString('base64')}`, 'unknown'],
    ['a broken key', 'bastion ssh-ed25519 AAAA', 'unknown'],
    ['another port', `[bastion]:2222 ${line(OURS)}`, 'unknown'],
  ])('%s', (_name, text, decision) => {
    expect(decide(text)).toBe(decision);
  });

  test.each([
    ['its own entry', `[bastion]:2222 ${line(OURS)}`, 'trusted kh:1'],
    ['another key for the port', `[bastion]:2222 ${line(OTHER)}\nbastion ${line(OURS)}`, 'changed kh:1'],
    ['the same key without a port', `bastion ${line(OURS)}`, 'trusted kh:1'],
    ['another key without a port', `bastion ${line(OTHER)}`, 'unknown'],
    ['revoked without a port', `@revoked bastion ${line(OURS)}`, 'revoked kh:1'],
  ])('on another port: %s', (_name, text, decision) => {
    expect(decide(text, OTHER_PORT)).toBe(decision);
  });

  test('finds what formatKnownHost files, plain and hashed', () => {
    for (const style of ['plain', 'hashed'] as const) {
      const text = formatKnownHost('[bastion]:2222', OURS, style);
      expect(decide(text, OTHER_PORT)).toBe('trusted kh:1');
      expect(decide(text)).toBe('unknown');
      expect(text.includes('bastion')).toBe(style === 'plain');
    }
  });

  test('takes a pattern that would explode in a naive matcher', () => {
    const name = 'a'.repeat(200);
    const text = `${'a*'.repeat(100)}b ${line(OURS)}`;
    expect(decide(text, { lookupName: name, lookupNameWithoutPort: undefined })).toBe('unknown');
  });
});

describe('orderHostKeyAlgorithms', () => {
  const offered = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256'];

  test('puts the types that are filed first, and keeps the rest in order', () => {
    const entries = parseKnownHosts(`bastion ${line(RSA)}`, 'kh');
    expect(orderHostKeyAlgorithms(offered, PLAIN_PORT, entries)).toEqual([
      'rsa-sha2-512',
      'rsa-sha2-256',
      'ssh-ed25519',
      'ecdsa-sha2-nistp256',
    ]);
  });

  test('keeps the order for a host that is not known, and for authorities and revoked keys', () => {
    const entries = parseKnownHosts(`@cert-authority bastion ${line(RSA)}\n@revoked * ${line(RSA)}`, 'kh');
    expect(orderHostKeyAlgorithms(offered, PLAIN_PORT, entries)).toEqual(offered);
  });

  test('puts certificates first for a host that an authority is known for, and leaves them out for others', () => {
    const certificates = ['rsa-sha2-512-cert-v01@openssh.com', 'ssh-ed25519-cert-v01@openssh.com'];
    const all = ['ssh-ed25519', ...certificates, 'rsa-sha2-512'];
    const order = (text: string, policy: typeof PLAIN_PORT | typeof OTHER_PORT = PLAIN_PORT) =>
      orderHostKeyAlgorithms(all, policy, parseKnownHosts(text, 'kh'));
    const authority = `@cert-authority *ion ${line(RSA)}\n`;
    expect(order('')).toEqual(['ssh-ed25519', 'rsa-sha2-512']);
    expect(order(authority)).toEqual([...certificates, 'ssh-ed25519', 'rsa-sha2-512']);
    expect(order(`${authority}bastion ${line(RSA)}`)).toEqual([
      ...certificates,
      'rsa-sha2-512',
      'ssh-ed25519',
    ]);
    expect(order(authority, OTHER_PORT)).toEqual([...certificates, 'ssh-ed25519', 'rsa-sha2-512']);
    expect(order(`${authority}[bastion]:2222 ${line(RSA)}`, OTHER_PORT)).toEqual([
      'rsa-sha2-512',
      'ssh-ed25519',
    ]);
    expect(orderHostKeyAlgorithms(certificates, PLAIN_PORT, [])).toEqual(certificates);
  });

  test('looks under the name without the port where none is filed with it', () => {
    const entries = parseKnownHosts(`bastion ${line(RSA)}`, 'kh');
    expect(orderHostKeyAlgorithms(offered, OTHER_PORT, entries)[0]).toBe('rsa-sha2-512');
    const both = [...entries, ...parseKnownHosts(`[bastion]:2222 ${line(OURS)}`, 'kh')];
    expect(orderHostKeyAlgorithms(offered, OTHER_PORT, both)).toEqual(offered);
  });
});

test('fingerprints and names of types are those of OpenSSH', () => {
  const blob = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl', 'base64');
  expect(fingerprintOf({ type: 'ssh-ed25519', blob })).toBe(
    'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU',
  );
  const types = [
    'ssh-ed25519',
    'ecdsa-sha2-nistp384',
    'ssh-rsa',
    'ssh-dss',
    'sk-ssh-ed25519@openssh.com',
    'x-new',
  ];
  expect(types.map(keyTypeName)).toEqual(['ED25519', 'ECDSA', 'RSA', 'DSA', 'ED25519-SK', 'X-NEW']);
});
