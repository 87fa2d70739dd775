import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decryptPrivateKey, outlinePrivateKey } from '../../../../src/ssh/keys/private-key.ts';
import { parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import { mustRun } from '../../../support/process/child.ts';

const PASSPHRASE = 'öffne dich';
// Everything that `ssh-keygen -Z` takes on this machine; "none" it takes, and does not encrypt then.
const CIPHERS = [...(await mustRun(['ssh', '-Q', 'cipher'])).trim().split('\n'), 'none'];
const TYPES = [
  ['-t', 'ed25519'],
  ['-t', 'ecdsa', '-b', '384'],
  ['-t', 'rsa', '-b', '2048'],
] as const;

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tshuttle-ciphers-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

test('ssh-keygen has the ciphers that are hard to read', () => {
  expect(CIPHERS).toEqual(
    expect.arrayContaining([
      'chacha20-poly1305@openssh.com',
      'aes256-gcm@openssh.com',
      'aes256-ctr',
      '3des-cbc',
    ]),
  );
});

describe.each(CIPHERS)('a key that ssh-keygen -Z %s has made', (cipher) => {
  test('is read with its passphrase, and with no other', async () => {
    for (const [index, type] of TYPES.entries()) {
      const file = join(directory, `${cipher.split('@')[0]}-${index}`);
      await mustRun(['ssh-keygen', '-q', ...type, '-Z', cipher, '-a', '1', '-N', PASSPHRASE, '-f', file]);
      const text = await readFile(file, 'latin1');
      const filed = parsePublicKeyLine(await readFile(`${file}.pub`, 'utf8'));
      const outline = outlinePrivateKey(text);
      expect(outline).toEqual({ encryption: cipher === 'none' ? 'none' : 'encrypted', publicKey: filed });
      expect(decryptPrivateKey(text, PASSPHRASE).publicKey).toEqual(filed);
      if (cipher === 'none') expect(decryptPrivateKey(text, undefined).publicKey).toEqual(filed);
      else expect(() => decryptPrivateKey(text, 'open sesame')).toThrow();
    }
  });

  test('is refused when it is cut off or changed', async () => {
    const file = join(directory, `${cipher.split('@')[0]}-broken`);
    await mustRun([
      'ssh-keygen',
      '-q',
      '-t',
      'ed25519',
      '-Z',
      cipher,
      '-a',
      '1',
      '-N',
      PASSPHRASE,
      '-f',
      file,
    ]);
    const text = await readFile(file, 'latin1');
    const [begin = '', ...lines] = text.trim().split('\n');
    const data = Buffer.from(lines.slice(0, -1).join(''), 'base64');
    const changed = (bytes: Buffer): string => [begin, bytes.toString('base64'), lines.at(-1), ''].join('\n');
    for (const cut of [4, 40, data.length - 60, data.length - 1]) {
      expect(() => decryptPrivateKey(changed(data.subarray(0, cut)), PASSPHRASE)).toThrow();
    }
    // Inside of the check numbers, with which the private section begins.
    const flipped = Buffer.from(data);
    const at = data.length - (/gcm|poly1305/.test(cipher) ? 160 : 144) + 1;
    flipped[at]! ^= 0x40;
    expect(() => decryptPrivateKey(changed(flipped), PASSPHRASE)).toThrow();
  });
});
