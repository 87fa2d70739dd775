import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeString, WireReader } from '../../../../../src/ssh/keys/wire.ts';
import { hybridKeySource, hybridKeys } from '../../../../../src/ssh/ssh2/key-exchange/hybrid.ts';
import {
  loadMlKem,
  type MlKem768,
  nobleMlKem,
  openSslMlKem,
} from '../../../../../src/ssh/ssh2/key-exchange/ml-kem.ts';

/** A key exchange of OpenSSH 10.0p2 with keys that are made of a fixed seed; its parts in base64. */
const capture = new Map(
  Object.entries(
    JSON.parse(readFileSync(join(import.meta.dirname, 'openssh-exchange.json'), 'utf8')) as object,
  ).map(([part, base64]) => [part, Buffer.from(String(base64), 'base64')]),
);

function captured(part: string): Buffer {
  const bytes = capture.get(part);
  if (bytes === undefined) throw new Error(`the capture has no ${part}`);
  return bytes;
}

const openSsl = openSslMlKem();
const BACKENDS: readonly MlKem768[] = [await nobleMlKem(), ...(openSsl === undefined ? [] : [openSsl])];

/** Of an Ed25519 key or signature, behind its name. */
function secondString(blob: Buffer): Buffer {
  const reader = new WireReader(blob);
  reader.string();
  return reader.string() ?? Buffer.alloc(0);
}

describe.each(BACKENDS)('by $by', (mlKem) => {
  const keys = hybridKeys(mlKem, captured('seed'));

  test('the secret is the one that OpenSSH has signed', () => {
    const secret = keys.computeSecret(captured('reply'));
    expect(secret.toString('hex')).toBe(captured('secret').toString('hex'));
    const exchangeHash = createHash('sha256');
    for (const part of ['clientVersion', 'serverVersion', 'clientKexInit', 'serverKexInit', 'hostKey'])
      exchangeHash.update(encodeString(captured(part)));
    for (const part of [keys.publicKey, captured('reply'), secret]) exchangeHash.update(encodeString(part));
    const hostKey = createPublicKey({
      key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), secondString(captured('hostKey'))]),
      format: 'der',
      type: 'spki',
    });
    expect(verify(null, exchangeHash.digest(), hostKey, secondString(captured('signature')))).toBe(true);
  });

  test('the keys of a seed are always the same', () => {
    expect(createHash('sha256').update(keys.publicKey).digest('hex')).toBe(
      'b9b80e11e32ffc09d9a073b179b0bf0ae998e113e5236bd94a537a924527b5be',
    );
  });

  test('a ciphertext of which a bit has changed gives another secret', () => {
    const reply = Buffer.from(captured('reply'));
    reply[7] = (reply[7] ?? 0) ^ 1;
    const secret = keys.computeSecret(reply);
    expect(secret.equals(captured('secret'))).toBe(false);
    // The same in all implementations: FIPS 203 says which.
    expect(secret.toString('hex')).toBe('6710a1b04cfaa0edb2400568aee455838c7f4f2c8647e2e557d32c5cbc6159c6');
  });

  test.each([0, 1, 32, 1088, 1119, 1121, 35_000])('a reply of %i bytes is refused', (bytes) => {
    expect(() => keys.computeSecret(Buffer.alloc(bytes))).toThrow(`${bytes} bytes instead of 1120`);
  });

  test.each([
    ['zeros', Buffer.alloc(32)],
    ['the point of order 4', Buffer.from([1, ...new Array<number>(31).fill(0)])],
    [
      'a point of order 8',
      Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex'),
    ],
    [
      'the prime, which is zero',
      Buffer.from('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex'),
    ],
  ])('an X25519 key of %s, whose secret everybody knows, is refused', (_name, point) => {
    const reply = Buffer.from(captured('reply'));
    point.copy(reply, 1088);
    expect(() => keys.computeSecret(reply)).toThrow();
  });
});

test('no two exchanges have the same keys, of whichever connection', async () => {
  const sources = [hybridKeySource(), hybridKeySource()];
  for (const source of sources) {
    expect(source.isPrepared).toBe(false);
    expect(() => source.newKeys()).toThrow();
  }
  await Promise.all(sources.flatMap((source) => [source.prepare(), source.prepare()]));
  const keys = sources.flatMap((source) => [source.newKeys(), source.newKeys(), source.newKeys()]);
  expect(new Set(keys.map(({ publicKey }) => publicKey.toString('hex'))).size).toBe(6);
  for (const { publicKey } of keys) expect(publicKey.length).toBe(1216);
});

test("Node's own is taken where it is", async () => {
  expect((await loadMlKem()).by).toBe(openSsl === undefined ? '@noble/post-quantum' : 'OpenSSL');
});
