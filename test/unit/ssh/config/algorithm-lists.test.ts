import { describe, expect, test } from 'vitest';
import { divideOptions } from '../../../../src/ssh/config/algorithm-lists.ts';
import { chooseAlgorithms, DEFAULT_ALGORITHMS } from '../../../../src/ssh/config/algorithms.ts';

const HYBRID = 'mlkem768x25519-sha256';
const DEFAULT = DEFAULT_ALGORITHMS.keyExchange;

/** What OpenSSH 9.2 has, shortened. */
const OLD = ['sntrup761x25519-sha512@openssh.com', 'curve25519-sha256', 'ecdh-sha2-nistp256'];
/** And 10.0. */
const NEW = [HYBRID, ...OLD];

describe('-o KexAlgorithms', () => {
  test.each([
    { spec: HYBRID, own: [HYBRID], forSsh: [] },
    {
      spec: `${HYBRID},curve25519-sha256`,
      own: [HYBRID, 'curve25519-sha256'],
      forSsh: ['KexAlgorithms=curve25519-sha256'],
    },
    { spec: 'curve25519-sha256', own: undefined, forSsh: ['KexAlgorithms=curve25519-sha256'] },
    { spec: `^${HYBRID}`, own: DEFAULT, forSsh: [] },
    {
      spec: '^curve25519-sha256',
      own: ['curve25519-sha256', ...DEFAULT.filter((name) => name !== 'curve25519-sha256')],
      forSsh: ['KexAlgorithms=^curve25519-sha256'],
    },
    {
      spec: '-*nistp*,diffie-*',
      own: [HYBRID, 'curve25519-sha256', 'curve25519-sha256@libssh.org'],
      forSsh: ['KexAlgorithms=-*nistp*,diffie-*'],
    },
    { spec: `-${HYBRID}`, own: DEFAULT.slice(1), forSsh: [] },
    {
      spec: '+diffie-hellman-group1?-sha1',
      own: [...DEFAULT, 'diffie-hellman-group14-sha1'],
      forSsh: ['KexAlgorithms=+diffie-hellman-group1?-sha1'],
    },
  ])('$spec', ({ spec, own, forSsh }) => {
    for (const text of [`KexAlgorithms=${spec}`, `kexalgorithms  ${spec}`, `KexAlgorithms = "${spec}"`]) {
      const divided = divideOptions([text]);
      expect(divided.own.get('kexalgorithms')?.[0]?.split(',')).toEqual(own);
      expect(divided.forSsh.map((one) => one.toLowerCase())).toEqual(forSsh.map((one) => one.toLowerCase()));
    }
  });

  test('the first of several counts, and ssh sees no name that it may not know', () => {
    const { own, forSsh } = divideOptions(['KexAlgorithms=curve25519-sha256', `KexAlgorithms=+${HYBRID}`]);
    expect(own.size).toBe(0);
    expect(forSsh).toEqual(['KexAlgorithms=curve25519-sha256']);
  });

  test('other options are left as they are; WarnWeakCrypto, which ssh has since 10.1, is ours', () => {
    const { own, forSsh } = divideOptions(['User=me', 'WarnWeakCrypto=No', 'Ciphers aes256-ctr']);
    expect(forSsh).toEqual(['User=me', 'Ciphers=aes256-ctr']);
    expect([...own]).toEqual([['warnweakcrypto', ['no']]]);
  });
});

describe('the KexAlgorithms of a configuration file', () => {
  const choose = (configured: readonly string[], builtIn: readonly string[]) =>
    chooseAlgorithms(
      new Map([['kexalgorithms', [configured.join(',')]]]),
      new Map([['kexalgorithms', [builtIn.join(',')]]]),
    ).keyExchange;

  test.each([
    { what: 'the default', configured: OLD, builtIn: OLD, chosen: DEFAULT },
    {
      what: 'what stands for itself',
      configured: ['curve25519-sha256'],
      builtIn: OLD,
      chosen: ['curve25519-sha256'],
    },
    {
      what: '+, with an ssh that does not know the hybrid',
      configured: [...OLD, 'diffie-hellman-group14-sha1'],
      builtIn: OLD,
      chosen: [HYBRID, 'curve25519-sha256', 'ecdh-sha2-nistp256', 'diffie-hellman-group14-sha1'],
    },
    {
      what: '^, with an ssh that does not know the hybrid',
      configured: ['ecdh-sha2-nistp256', ...OLD.slice(0, 2)],
      builtIn: OLD,
      chosen: ['ecdh-sha2-nistp256', HYBRID, 'curve25519-sha256'],
    },
    { what: '- of the hybrid, with one that does', configured: OLD, builtIn: NEW, chosen: OLD.slice(1) },
    {
      what: '^, with one that does',
      configured: ['ecdh-sha2-nistp256', ...NEW.slice(0, 3)],
      builtIn: NEW,
      chosen: ['ecdh-sha2-nistp256', HYBRID, 'curve25519-sha256'],
    },
  ])('$what', ({ configured, builtIn, chosen }) => {
    expect(choose(configured, builtIn)).toEqual(chosen);
  });
});
