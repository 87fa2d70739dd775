import { describe, expect, it, test } from 'vitest';
import { parseAuthorizedKeys } from '../../../src/bastion/public-keys.ts';
import { encodeString } from '../../../src/ssh/keys/wire.ts';
import { SOMEBODYS_KEY } from '../../support/bastion/option-sets.ts';

const [TYPE, BASE64] = SOMEBODYS_KEY.split(' ') as [string, string];

function line(type: string, ...fields: readonly Buffer[]): string {
  return `${type} ${Buffer.concat([encodeString(type), ...fields.map((field) => encodeString(field))]).toString('base64')}`;
}

const rsa = (bits: number): string =>
  line('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.concat([Buffer.from([0]), Buffer.alloc(bits / 8, 0xff)]));

describe('public keys for authorized_keys', () => {
  it('are written anew: type, key, and what is plain of the comment', () => {
    const text = `\n# mine\n  ${TYPE}  ${BASE64}   me@laptop  (2026);$(reboot)\`id\`"'\\\u202e \r\n${TYPE} ${BASE64}\n`;
    expect(parseAuthorizedKeys(text)).toEqual({
      kind: 'keys',
      lines: [`${TYPE} ${BASE64} me@laptop-2026-reboot-id`, `${TYPE} ${BASE64}`],
    });
  });

  it('of each type that sshd takes', () => {
    const bytes = (length: number) => Buffer.alloc(length, 7);
    const lines = [
      rsa(2048),
      line('ecdsa-sha2-nistp256', Buffer.from('nistp256'), bytes(65)),
      line('sk-ssh-ed25519@openssh.com', bytes(32), Buffer.from('ssh:')),
      line('sk-ecdsa-sha2-nistp256@openssh.com', Buffer.from('nistp256'), bytes(65), Buffer.from('ssh:')),
    ];
    expect(parseAuthorizedKeys(lines.join('\n'))).toEqual({ kind: 'keys', lines });
  });

  test.each([
    ['options in front', `command="sh" ${TYPE} ${BASE64}`, 'options in front are not taken'],
    ['an option in the place of the type', `no-pty,${TYPE} ${BASE64}`, 'is no public key'],
    ['another type than the key says', `ssh-rsa ${BASE64}`, 'is no public key'],
    ['characters that are not base64', `${TYPE} ${BASE64}!`, 'is no public key'],
    ['a short RSA key', rsa(1024), 'is an RSA key of 1024 bits'],
    ['a DSA key', line('ssh-dss', Buffer.alloc(9)), 'is a DSA key'],
    ['a certificate', line('ssh-ed25519-cert-v01@openssh.com', Buffer.alloc(9)), 'is a certificate'],
    ['an unknown type', line('ssh-new', Buffer.alloc(9)), 'unknown type ssh-new'],
    ['a key that is cut off', `${TYPE} ${BASE64.slice(0, 40)}`, 'is cut off'],
    [
      'a key with more behind it',
      `${TYPE} ${Buffer.concat([Buffer.from(BASE64, 'base64'), Buffer.from('x')]).toString('base64')}`,
      'has more',
    ],
    ['a line of something else', 'PermitRootLogin yes', 'is no public key'],
  ])('%s is refused, with its line', (_what, text, what) => {
    const parsed = parseAuthorizedKeys(`${SOMEBODYS_KEY}\n${text}\n`);
    expect(parsed).toMatchObject({ kind: 'wrong', line: 2 });
    expect(parsed.kind === 'wrong' && parsed.what).toContain(what);
  });

  it('a private key and an empty file are refused', () => {
    expect(parseAuthorizedKeys('-----BEGIN OPENSSH PRIVATE KEY-----\n')).toMatchObject({
      kind: 'wrong',
      line: undefined,
    });
    expect(parseAuthorizedKeys('# nothing\n\n')).toMatchObject({
      kind: 'wrong',
      what: 'has no public key in it',
    });
  });
});
