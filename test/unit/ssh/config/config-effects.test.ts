import { expect, test } from 'vitest';
import { configEffects } from '../../../../src/ssh/config/config-effects.ts';
import { parseSshConfigOutput } from '../../../../src/ssh/config/ssh-config-output.ts';

const BUILT_IN = parseSshConfigOutput(
  ['host localhost', 'hostname localhost', 'user me', 'port 22', 'rekeylimit 0 0', 'forwardagent no'].join(
    '\n',
  ),
);

const effectsOf = (...lines: string[]) =>
  configEffects('gate', parseSshConfigOutput(lines.join('\n')), BUILT_IN);

test('what is as OpenSSH has it anyway is not told', () => {
  const lines = ['host gate', 'hostname gate', 'user me', 'port 22', 'rekeylimit 0 0', 'proxycommand none'];
  expect(effectsOf(...lines)).toEqual({ used: [], notUsed: [], ofSshItself: [] });
});

test('what is set is told by what it does here; what is of no keyword that we know, as not used', () => {
  expect(
    effectsOf(
      'hostname 203.0.113.7',
      'port 2222',
      'identityfile ~/.ssh/a',
      'identityfile ~/.ssh/b',
      'rekeylimit 1073741824 3600',
      'visualhostkey yes',
      'checkhostip yes',
      'somethingnew yes',
      'forwardagent yes',
      'setenv TOKEN=secret',
    ),
  ).toEqual({
    used: [
      'hostname 203.0.113.7',
      'port 2222',
      'identityfile ~/.ssh/a, ~/.ssh/b',
      'rekeylimit 1073741824 3600',
    ],
    notUsed: ['visualhostkey yes', 'checkhostip yes', 'somethingnew yes'],
    ofSshItself: ['forwardagent', 'setenv'],
  });
});

test('a long value is cut', () => {
  const [ciphers = ''] = effectsOf(`ciphers ${'x'.repeat(500)}`).used;
  expect(ciphers).toHaveLength('ciphers '.length + 80 + '...'.length);
});

// ssh -G of macOS 15 with UseKeychain and AddKeysToAgent in ~/.ssh/config.
test('what Apple’s ssh alone has is of ssh itself', () => {
  const effects = effectsOf('addkeystoagent true', 'usekeychain yes', 'ignoreunknown UseKeychain');
  expect(effects.notUsed).toEqual([]);
  expect(effects.ofSshItself.map((name) => name.toLowerCase())).toEqual(['addkeystoagent', 'usekeychain']);
});
