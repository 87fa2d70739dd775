import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NegotiatedAlgorithms } from '../../../../src/ssh/agreement.ts';
import { DEFAULT_ALGORITHMS } from '../../../../src/ssh/config/algorithms.ts';
import { warnOfWeakAgreement } from '../../../../src/tunnel/bastion/weak-agreement.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

const AGREED: NegotiatedAlgorithms = {
  keyExchange: 'curve25519-sha256',
  hostKey: 'ssh-ed25519',
  cipher: 'aes128-gcm@openssh.com',
  mac: 'implicit',
  compression: 'none',
  isStrict: true,
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tshuttle-weak-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** @returns the warnings */
function warn(
  changes: Partial<NegotiatedAlgorithms> = {},
  host = 'gate',
  warnsOfWeakCrypto = true,
): string[] {
  const logger = recordingLogger();
  const target = { role: 'bastion', host, port: 22, user: 'me', algorithms: DEFAULT_ALGORITHMS } as const;
  warnOfWeakAgreement(
    { ...target, warnsOfWeakCrypto },
    { ...AGREED, ...changes },
    join(folder, 'state'),
    logger,
  );
  return logger.lines.filter((line) => line.startsWith('warn'));
}

test('a bastion is warned of once, with the line for it, and another one by itself', () => {
  const [first] = warn();
  expect(first).toMatch(/bastion me@gate: the key exchange curve25519-sha256 is not post-quantum/);
  expect(first).toContain('KexAlgorithms ^mlkem768x25519-sha256');
  expect(warn()).toEqual([]);
  expect(warn({}, 'other')).toHaveLength(1);
  expect(warn()).toEqual([]);
});

test('again when it has become another', () => {
  warn();
  expect(warn({ keyExchange: 'ecdh-sha2-nistp256' })).toHaveLength(1);
  expect(warn({ keyExchange: 'ecdh-sha2-nistp256', isStrict: false })).toHaveLength(2);
});

test('not where all is well, nor with WarnWeakCrypto no', () => {
  expect(warn({ keyExchange: 'mlkem768x25519-sha256' })).toEqual([]);
  expect(warn({}, 'gate', false)).toEqual([]);
});

test('what is remembered is bounded, and a file that is none of ours does no harm', () => {
  for (let host = 0; host < 250; host += 1) warn({}, `gate-${host}`);
  const lines = readFileSync(join(folder, 'state', 'weak-crypto'), 'utf8')
    .trimEnd()
    .split('\n');
  expect(lines).toHaveLength(200);
  expect(lines[0]).toContain('gate-249:22');
  writeFileSync(join(folder, 'state', 'weak-crypto'), Buffer.alloc(100_000, '\n{'));
  expect(warn({}, 'gate-249')).toHaveLength(1);
  expect(warn({}, 'gate-249')).toEqual([]);
});
