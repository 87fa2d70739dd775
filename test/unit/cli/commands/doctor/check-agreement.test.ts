import { expect, test } from 'vitest';
import { checkAgreement } from '../../../../../src/cli/commands/doctor/check-agreement.ts';
import { checkTunnels } from '../../../../../src/cli/commands/doctor/tunnel-checks.ts';
import { isPostQuantum, type NegotiatedAlgorithms } from '../../../../../src/ssh/agreement.ts';
import { DEFAULT_ALGORITHMS } from '../../../../../src/ssh/config/algorithms.ts';
import { NOW_MS, UP } from '../../../../support/in-process/tunnel-reports.ts';

const OURS = DEFAULT_ALGORITHMS.keyExchange;

const CURVE: NegotiatedAlgorithms = {
  keyExchange: 'curve25519-sha256',
  hostKey: 'ssh-ed25519',
  cipher: 'aes128-gcm@openssh.com',
  mac: 'implicit',
  compression: 'none',
  isStrict: true,
};
const MLKEM: NegotiatedAlgorithms = { ...CURVE, keyExchange: 'mlkem768x25519-sha256' };

const UPDATE =
  'upgrade the bastion to OpenSSH 9.9 or later, and allow it in its sshd_config: KexAlgorithms ^mlkem768x25519-sha256';

/** What the doctor finds of a running tunnel, but that it is up. */
function checkTunnel(algorithms: NegotiatedAlgorithms | undefined) {
  const told =
    algorithms === undefined ? null : { ...algorithms, isPostQuantum: isPostQuantum(algorithms.keyExchange) };
  const findings = checkTunnels([{ name: 'prod', status: { ...UP, algorithms: told } }], NOW_MS);
  return findings.filter(({ status }) => status !== 'ok');
}

test('an agreement is told; one that is post-quantum and strict has nothing more', () => {
  expect([...checkAgreement(MLKEM, OURS)]).toEqual([
    {
      check: 'encryption',
      status: 'ok',
      what: 'aes128-gcm@openssh.com, key exchange mlkem768x25519-sha256 (post-quantum), host key ssh-ed25519, strict',
      remedy: null,
    },
  ]);
  expect(checkTunnel(MLKEM)).toEqual([]);
});

test('where the bastion has no post-quantum method it is its sshd that helps', () => {
  const [, finding] = checkAgreement(CURVE, OURS);
  expect(finding).toMatchObject({ check: 'encryption', status: 'note' });
  expect(finding?.what).toMatch(/key exchange curve25519-sha256 is not post-quantum/);
  expect(finding?.remedy).toBe(`${UPDATE}. Until then -o WarnWeakCrypto=no turns this warning off`);
  expect(checkTunnel(CURVE)).toEqual([{ ...finding, check: 'tunnel prod' }]);
});

test('where it has one of ssh alone, --transport openssh helps as well', () => {
  const sntrup = { ...CURVE, postQuantumMissed: 'sntrup761x25519-sha512@openssh.com' };
  const [, finding] = checkAgreement(sntrup, OURS);
  expect(finding?.remedy).toBe(
    'it offers sntrup761x25519-sha512@openssh.com, which your own ssh has: use --transport openssh. ' +
      `Or ${UPDATE}; -o WarnWeakCrypto=no turns this warning off`,
  );
  expect(checkTunnel(sntrup)).toEqual([{ ...finding, check: 'tunnel prod' }]);
});

test('where we do not offer it, it is our configuration that helps', () => {
  const [, finding] = checkAgreement(CURVE, ['curve25519-sha256']);
  expect(finding?.remedy).toBe(
    'your own KexAlgorithms leave it out: set -o KexAlgorithms=^mlkem768x25519-sha256',
  );
});

test('a key exchange that is not strict is one more finding', () => {
  const findings = [...checkAgreement({ ...MLKEM, isStrict: false }, OURS)];
  expect(findings.map(({ status }) => status)).toEqual(['ok', 'note']);
  expect(findings[1]).toMatchObject({
    what: expect.stringMatching(/not strict: .*Terrapin/),
    remedy: 'upgrade the bastion to OpenSSH 9.6 or later',
  });
});

test('nothing is said of a connection by the own ssh', () => {
  expect([...checkAgreement(undefined, OURS)]).toEqual([]);
  expect(checkTunnel(undefined)).toEqual([]);
});
