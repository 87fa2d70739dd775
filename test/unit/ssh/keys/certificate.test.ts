import { describe, expect, test } from 'vitest';
import { type Certificate, FOREVER_S, parseCertificate } from '../../../../src/ssh/keys/certificate.ts';
import { type PublicKey, parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import { isSignedBy, rsaBits, signatureAlgorithm } from '../../../../src/ssh/keys/signature.ts';
import { encodeString, encodeUint32 } from '../../../../src/ssh/keys/wire.ts';
import { seededRandom } from '../../intercept/rules/seeded-random.ts';
import { SAMPLE_KEYS } from '../sample-keys.ts';

function keyOf(name: keyof typeof SAMPLE_KEYS): PublicKey {
  const key = parsePublicKeyLine(SAMPLE_KEYS[name]);
  if (key === undefined) throw new Error(`cannot read ${name}`);
  return key;
}

function certificateOf(name: keyof typeof SAMPLE_KEYS): Certificate {
  const certificate = parseCertificate(keyOf(name).blob);
  if (certificate === undefined) throw new Error(`${name} is no certificate`);
  return certificate;
}

const isAuthentic = ({ authorityKey, signature, signedData }: Certificate): boolean =>
  isSignedBy(authorityKey, signature, signedData);

const CERTIFICATES = [
  'hostEd25519Certificate',
  'hostEcdsaCertificate',
  'hostRsaCertificate',
  'userCertificate',
] as const;

describe('parseCertificate', () => {
  test('reads a host certificate as ssh-keygen -L shows it', () => {
    const certificate = certificateOf('hostEd25519Certificate');
    expect(certificate).toMatchObject({
      kind: 'host',
      keyId: 'bastion-2026',
      serial: 42n,
      principals: ['bastion', 'bastion.example.com'],
      validAfterS: BigInt(Date.UTC(2026, 0, 1) / 1000),
      validBeforeS: BigInt(Date.UTC(2027, 0, 1) / 1000),
      criticalOptions: [],
      extensions: [],
    });
    expect(certificate.certifiedKey).toEqual(keyOf('hostEd25519'));
    expect(certificate.authorityKey).toEqual(keyOf('authorityEd25519'));
  });

  test('reads a user certificate with its options', () => {
    const certificate = certificateOf('userCertificate');
    expect(certificate).toMatchObject({
      kind: 'user',
      keyId: 'anna',
      serial: 2n ** 64n - 1n,
      principals: ['anna', 'root'],
      validAfterS: 0n,
      validBeforeS: FOREVER_S,
    });
    expect(certificate.criticalOptions).toEqual([
      { name: 'force-command', data: encodeString('/bin/false') },
      { name: 'source-address', data: encodeString('10.0.0.0/8') },
    ]);
    expect(certificate.extensions.map(({ name }) => name)).toEqual([
      'permit-X11-forwarding',
      'permit-agent-forwarding',
      'permit-port-forwarding',
      'permit-pty',
      'permit-user-rc',
    ]);
  });

  test.each([
    ['hostEcdsaCertificate', 'hostEcdsa', 'authorityEcdsa', ['bastion']],
    ['hostRsaCertificate', 'hostRsa', 'authorityRsa', []],
  ] as const)('finds the plain key of %s', (name, plain, authority, principals) => {
    const certificate = certificateOf(name);
    expect(certificate.certifiedKey).toEqual(keyOf(plain));
    expect(certificate.authorityKey).toEqual(keyOf(authority));
    expect(certificate.principals).toEqual(principals);
  });

  test('does not take a plain key for one', () => {
    expect(parseCertificate(keyOf('hostEd25519').blob)).toBeUndefined();
  });

  test.each(CERTIFICATES)('refuses %s when it is cut off or goes on', (name) => {
    const { blob } = keyOf(name);
    for (let length = 0; length < blob.length; length += 1) {
      expect(parseCertificate(blob.subarray(0, length)), `${length} bytes`).toBeUndefined();
    }
    expect(parseCertificate(Buffer.concat([blob, Buffer.alloc(1)]))).toBeUndefined();
  });

  test('keeps what it parsed when the buffer is used for something else', () => {
    const blob = Buffer.from(keyOf('hostEd25519Certificate').blob);
    const certificate = parseCertificate(blob);
    blob.fill(0);
    expect(certificate).toEqual(certificateOf('hostEd25519Certificate'));
  });

  test('refuses a zero byte in a name, an unknown kind, and an authority that is a certificate', () => {
    const build = (kind: number, principal: string, authority: Buffer): Buffer =>
      Buffer.concat([
        ...['ssh-ed25519-cert-v01@openssh.com', 'nonce', 'k'.repeat(32)].map(encodeString),
        Buffer.alloc(8),
        encodeUint32(kind),
        ...[Buffer.from('id'), encodeString(principal)].map(encodeString),
        Buffer.alloc(16),
        ...[Buffer.alloc(0), Buffer.alloc(0), Buffer.alloc(0), authority, Buffer.from('sig')].map(
          encodeString,
        ),
      ]);
    const authority = keyOf('authorityEd25519').blob;
    expect(parseCertificate(build(2, 'bastion', authority))?.principals).toEqual(['bastion']);
    expect(parseCertificate(build(2, 'bastion\0.evil.example', authority))).toBeUndefined();
    expect(parseCertificate(build(3, 'bastion', authority))).toBeUndefined();
    expect(parseCertificate(build(2, 'bastion', keyOf('hostEd25519Certificate').blob))).toBeUndefined();
  });
});

describe('isSignedBy', () => {
  test.each([
    ['hostEd25519Certificate', 'ssh-ed25519'],
    ['hostEcdsaCertificate', 'ecdsa-sha2-nistp256'],
    ['hostRsaCertificate', 'rsa-sha2-512'],
    ['userCertificate', 'ssh-ed25519'],
  ] as const)('accepts the authority of %s and no other key', (name, algorithm) => {
    const certificate = certificateOf(name);
    expect(signatureAlgorithm(certificate.signature)).toBe(algorithm);
    expect(isAuthentic(certificate)).toBe(true);
    for (const other of ['hostEd25519', 'hostEcdsa', 'hostRsa'] as const) {
      expect(isSignedBy(keyOf(other), certificate.signature, certificate.signedData)).toBe(false);
    }
  });

  test('holds no certificate of which a byte was changed for authentic', () => {
    const { seed, random } = seededRandom();
    for (let round = 0; round < 600; round += 1) {
      const name = CERTIFICATES[round % CERTIFICATES.length] ?? 'userCertificate';
      const blob = Buffer.from(keyOf(name).blob);
      const at = random(blob.length);
      blob[at] = (blob[at] ?? 0) ^ (1 + random(255));
      const certificate = parseCertificate(blob);
      const authentic = certificate !== undefined && isAuthentic(certificate);
      expect(authentic, `${name}, byte ${at} is ${blob[at]}, TSHUTTLE_TEST_SEED=${seed}`).toBe(false);
    }
  });

  test('reads whatever there is without throwing', () => {
    const { seed, random } = seededRandom();
    const keys = Object.keys(SAMPLE_KEYS) as Array<keyof typeof SAMPLE_KEYS>;
    for (let round = 0; round < 400; round += 1) {
      const key = keyOf(keys[random(keys.length)] ?? 'hostRsa');
      const blob = Buffer.from(key.blob);
      for (let change = 0; change < 4; change += 1) blob[random(blob.length)] = random(256);
      const signature = Buffer.from(certificateOf('hostEcdsaCertificate').signature);
      signature[random(signature.length)] = random(256);
      const judged = isSignedBy({ type: key.type, blob }, signature, Buffer.from('data'));
      expect(judged, `TSHUTTLE_TEST_SEED=${seed}`).toBe(false);
    }
  });
});

test('rsaBits is the size that ssh-keygen -l shows', () => {
  expect(rsaBits(keyOf('hostRsa'))).toBe(2048);
  expect(rsaBits(keyOf('hostEd25519'))).toBeUndefined();
  const small = Buffer.concat(['ssh-rsa', Buffer.from([3]), Buffer.from([0, 0x1f, 0xff])].map(encodeString));
  expect(rsaBits({ type: 'ssh-rsa', blob: small })).toBe(13);
});
