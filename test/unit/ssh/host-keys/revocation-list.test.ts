import { describe, expect, test } from 'vitest';
import {
  isRevocationList,
  isRevokedBy,
  parseRevocationList,
  type RevocationList,
} from '../../../../src/ssh/host-keys/revocation-list.ts';
import { type Certificate, parseCertificate } from '../../../../src/ssh/keys/certificate.ts';
import { type PublicKey, parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import { encodeString, encodeUint32 } from '../../../../src/ssh/keys/wire.ts';
import { seededRandom } from '../../intercept/rules/seeded-random.ts';
import { SAMPLE_KEYS, SAMPLE_REVOCATION_LIST } from '../sample-keys.ts';

const data = Buffer.from(SAMPLE_REVOCATION_LIST, 'base64');
const list = parseRevocationList(data);

function keyOf(name: keyof typeof SAMPLE_KEYS): PublicKey {
  const key = parsePublicKeyLine(SAMPLE_KEYS[name]);
  if (key === undefined) throw new Error(`cannot read ${name}`);
  return key;
}

const isRevoked = (name: keyof typeof SAMPLE_KEYS): boolean => {
  const key = keyOf(name);
  const certificate = parseCertificate(key.blob);
  return isRevokedBy(list, certificate?.certifiedKey ?? key, certificate);
};

/** A certificate by the authority of the list, over a key that is not in it. */
const certificate = parseCertificate(keyOf('hostEcdsaCertificate').blob) as Certificate;
const isCertificateRevoked = (changes: Partial<Certificate>, by: RevocationList = list): boolean =>
  isRevokedBy(by, certificate.certifiedKey, { ...certificate, serial: 0n, ...changes });

describe('a revocation list of ssh-keygen', () => {
  test.each([
    ['authorityEcdsa', false],
    ['authorityEd25519', false],
    ['authorityRsa', true],
    ['hostEcdsa', false],
    ['hostEcdsaCertificate', true],
    ['hostEd25519', true],
    ['hostEd25519Certificate', true],
    ['hostRsa', true],
    ['hostRsaCertificate', true],
    ['userCertificate', true],
  ] as const)('says of %s what ssh-keygen -Q says', (name, revoked) => {
    expect(isRevoked(name)).toBe(revoked);
  });

  test('revokes exactly the serials in it', () => {
    const inBitmap = [200001, 200003, 200004, 200009, 200010, 200012, 200015];
    const candidates = [0, 1, 6, 7, 8, 999, 1000, 5000, 99999, 100000, 100001];
    for (let serial = 199990; serial < 200030; serial += 1) candidates.push(serial);
    const revoked = candidates.filter((serial) => isCertificateRevoked({ serial: BigInt(serial) }));
    expect(revoked).toEqual([7, 1000, 5000, 99999, 100000, ...inBitmap]);
    expect(isCertificateRevoked({ serial: 2n ** 64n - 1n })).toBe(false);
  });

  test('revokes exactly the key IDs in it', () => {
    expect(isCertificateRevoked({ keyId: 'ecdsa-host-2' })).toBe(true);
    expect(isCertificateRevoked({ keyId: 'somebody' })).toBe(true);
    expect(isCertificateRevoked({ keyId: 'ecdsa-host' })).toBe(false);
  });

  test('says nothing about the certificates of another authority', () => {
    expect(isCertificateRevoked({ serial: 7n, authorityKey: keyOf('authorityEd25519') })).toBe(false);
  });
});

function header(): Buffer {
  return data.subarray(0, 8 + 4 + 3 * 8 + 4 + 4);
}

const section = (type: number, ...content: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from([type]), encodeString(Buffer.concat(content))]);

describe('what ssh-keygen does not write', () => {
  test('a section for every authority counts for each', () => {
    const ids = section(0x23, encodeString('any'));
    const any = parseRevocationList(
      Buffer.concat([header(), section(1, encodeString(''), encodeString(''), ids)]),
    );
    expect(isCertificateRevoked({ keyId: 'any' }, any)).toBe(true);
    expect(isCertificateRevoked({ keyId: 'any', authorityKey: keyOf('authorityEd25519') }, any)).toBe(true);
  });

  test('an empty list revokes nothing, and a signature is passed over', () => {
    const signed = Buffer.concat([header(), section(4, keyOf('hostRsa').blob), encodeString('signature')]);
    expect(isRevokedBy(parseRevocationList(signed), keyOf('hostRsa'), undefined)).toBe(false);
  });

  const extension = (critical: number): Buffer[] => [
    encodeString('new@example.com'),
    Buffer.from([critical]),
    encodeString('content'),
  ];

  test('an extension is passed over, unless it is critical', () => {
    const inCertificates = (critical: number): Buffer =>
      section(1, encodeString(''), encodeString(''), section(0x39, ...extension(critical)));
    expect(() => parseRevocationList(Buffer.concat([header(), section(255, ...extension(0))]))).not.toThrow();
    expect(() => parseRevocationList(Buffer.concat([header(), inCertificates(0)]))).not.toThrow();
    expect(() => parseRevocationList(Buffer.concat([header(), section(255, ...extension(1))]))).toThrow(
      /critical extension new@example.com/,
    );
    expect(() => parseRevocationList(Buffer.concat([header(), inCertificates(1)]))).toThrow(/critical/);
  });

  const uint64 = (value: number): Buffer => Buffer.concat([encodeUint32(0), encodeUint32(value)]);
  const about = (...parts: Buffer[]): Buffer => section(1, encodeString(''), encodeString(''), ...parts);
  test.each([
    ['an unknown section', section(9, Buffer.alloc(3)), /unknown type 9/],
    ['an unknown section about certificates', about(section(0x24)), /unknown type 36/],
    ['a hash of another length', section(5, encodeString('short')), /wrong length/],
    ['half a serial', about(section(0x20, Buffer.alloc(12))), /cut off/],
    ['a range with an appendix', about(section(0x21, uint64(1), uint64(2), Buffer.alloc(1))), /more in it/],
    ['a range backwards', about(section(0x21, uint64(2), uint64(1))), /ends before it begins/],
  ])('%s is refused', (_name, content, message) => {
    expect(() => parseRevocationList(Buffer.concat([header(), content]))).toThrow(message);
  });

  test('another format is refused', () => {
    const other = Buffer.from(data);
    other.writeUInt32BE(2, 8);
    expect(() => parseRevocationList(other)).toThrow(/format 2/);
  });
});

test('a list that is cut off is refused, unless a section ends there', () => {
  const parsed: number[] = [];
  for (let length = 8; length <= data.length; length += 1) {
    try {
      parseRevocationList(data.subarray(0, length));
      parsed.push(length);
    } catch (error) {
      expect((error as Error).message, `${length} bytes`).toBe('it is cut off');
    }
  }
  const lengths = [44, 198 + 5, 55 + 5, 24 + 5, 36 + 5];
  expect(parsed).toEqual(
    lengths.map((_length, index) => lengths.slice(0, index + 1).reduce((a, b) => a + b)),
  );
});

test('whatever else is in a list, it is read or refused with a reason', () => {
  const { seed, random } = seededRandom();
  let refused = 0;
  for (let round = 0; round < 2000; round += 1) {
    const changed = Buffer.from(data);
    for (let change = 0; change <= random(4); change += 1)
      changed[8 + random(changed.length - 8)] = random(256);
    expect(isRevocationList(changed)).toBe(true);
    try {
      isRevokedBy(parseRevocationList(changed), certificate.certifiedKey, certificate);
    } catch (error) {
      refused += 1;
      expect((error as Error).message, `TSHUTTLE_TEST_SEED=${seed}`).toMatch(/^(?:it|a section) /);
    }
  }
  expect(refused, `TSHUTTLE_TEST_SEED=${seed}`).toBeGreaterThan(100);
});
