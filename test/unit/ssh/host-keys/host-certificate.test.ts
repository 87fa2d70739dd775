import { describe, expect, test } from 'vitest';
import {
  decideHostCertificate,
  describeCertificate,
} from '../../../../src/ssh/host-keys/host-certificate.ts';
import { parseKnownHosts } from '../../../../src/ssh/host-keys/known-hosts.ts';
import { type Certificate, FOREVER_S, parseCertificate } from '../../../../src/ssh/keys/certificate.ts';
import { parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import { SAMPLE_KEYS } from '../sample-keys.ts';

const certificate = parseCertificate(
  parsePublicKeyLine(SAMPLE_KEYS.hostEd25519Certificate)?.blob ?? Buffer.alloc(0),
) as Certificate;

const POLICY = {
  lookupName: '[bastion]:2222',
  lookupNameWithoutPort: 'bastion',
  certificateName: 'bastion',
  authoritySignatureAlgorithms: ['ssh-ed25519'] as readonly string[],
};
const TRUSTED = `@cert-authority bastion ${SAMPLE_KEYS.authorityEd25519}`;
const START_MS = Date.UTC(2026, 0, 1);
const END_MS = Date.UTC(2027, 0, 1);

function decide(
  changes: Partial<Certificate> = {},
  { text = TRUSTED, nowMs = START_MS, policy = {} as Partial<typeof POLICY> } = {},
): string {
  const changed = { ...certificate, ...changes };
  const decision = decideHostCertificate(
    changed,
    { ...POLICY, ...policy },
    parseKnownHosts(text, 'kh'),
    nowMs,
  );
  switch (decision.kind) {
    case 'trusted':
      return `trusted kh:${decision.entry.line}`;
    case 'refused':
      return `refused kh:${decision.entry.line} ${decision.problem.reason}`;
    case 'revoked':
      return `revoked kh:${decision.entry.line} ${decision.what}`;
    case 'unknown authority':
      return decision.kind;
  }
}

describe('decideHostCertificate', () => {
  test.each([
    ['its first second', {}, { nowMs: START_MS }, 'trusted kh:1'],
    [
      'the second before',
      {},
      { nowMs: START_MS - 1 },
      'refused kh:1 it is not valid before 2026-01-01T00:00:00Z',
    ],
    ['its last second', {}, { nowMs: END_MS - 1 }, 'trusted kh:1'],
    ['the second after', {}, { nowMs: END_MS }, 'refused kh:1 it expired at 2027-01-01T00:00:00Z'],
    ['without an end', { validBeforeS: FOREVER_S }, { nowMs: END_MS * 40 }, 'trusted kh:1'],
    [
      'with a start that no calendar has',
      { validAfterS: FOREVER_S },
      {},
      'refused kh:1 it is not valid before +275760-09-13T00:00:00Z',
    ],
    ['for nobody in particular', { principals: [] }, {}, 'trusted kh:1'],
    [
      'for a pattern, which counts as a name',
      { principals: ['*'] },
      {},
      'refused kh:1 it is for *, not for bastion',
    ],
    [
      'for the name with its port',
      { principals: ['[bastion]:2222'] },
      {},
      'refused kh:1 it is for [bastion]:2222, not for bastion',
    ],
    ['for users', { kind: 'user' }, {}, 'refused kh:1 it is a certificate for users'],
    [
      'with a critical option',
      { criticalOptions: [{ name: 'force-command', data: Buffer.alloc(0) }] },
      {},
      'refused kh:1 it has critical options that no host has: force-command',
    ],
    ['with an extension', { extensions: [{ name: 'x@y', data: Buffer.alloc(0) }] }, {}, 'trusted kh:1'],
    [
      'signed by an algorithm that is left out',
      {},
      { policy: { authoritySignatureAlgorithms: ['rsa-sha2-512'] } },
      'refused kh:1 its authority signed it with ssh-ed25519, which CASignatureAlgorithms leaves out',
    ],
    [
      'with the authority under its port',
      {},
      { text: `\n@cert-authority [bastion]:* ${SAMPLE_KEYS.authorityEd25519}` },
      'trusted kh:2',
    ],
    [
      'with a plain key that is the authority',
      {},
      { text: `bastion ${SAMPLE_KEYS.authorityEd25519}` },
      'unknown authority',
    ],
    [
      'with another authority',
      {},
      { text: `@cert-authority * ${SAMPLE_KEYS.authorityRsa}` },
      'unknown authority',
    ],
    [
      'with its key revoked',
      {},
      { text: `${TRUSTED}\n@revoked bastion ${SAMPLE_KEYS.hostEd25519}` },
      'revoked kh:2 key',
    ],
    [
      'with its authority revoked',
      {},
      { text: `${TRUSTED}\n@revoked * ${SAMPLE_KEYS.authorityEd25519}` },
      'revoked kh:2 authority',
    ],
    [
      'with another key revoked',
      {},
      { text: `${TRUSTED}\n@revoked * ${SAMPLE_KEYS.hostRsa}` },
      'trusted kh:1',
    ],
  ] as const)('%s', (_name, changes, given, decision) => {
    expect(decide(changes, given)).toBe(decision);
  });
});

test('describeCertificate says which it is and whose', () => {
  expect(describeCertificate(certificate)).toMatch(
    /^host certificate 'bastion-2026' \(serial 42, authority ED25519 SHA256:QPi8DTPPjekuEFZoBkLaP3vsqgmRkfTaP3X6H7Svzac\)$/,
  );
});
