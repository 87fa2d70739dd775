import { describe, expect, test } from 'vitest';
import { proxyFromConfig } from '../../../../src/ssh/config/proxy-from-config.ts';
import { parseSshConfigOutput } from '../../../../src/ssh/config/ssh-config-output.ts';

const TOKENS = {
  homeDirectory: '/home/me',
  host: 'vm3.internal',
  hostKeyAlias: 'vm3-alias',
  requestedHost: 'vm3',
  port: 2222,
  remoteUser: 'ops',
  localUser: 'me',
  localUserId: 1000,
  localHost: 'laptop',
};

const proxy = (...lines: string[]) => proxyFromConfig(parseSshConfigOutput(lines.join('\n')), TOKENS);

describe('ProxyJump', () => {
  test.each([
    ['gate', { host: 'gate', user: undefined, port: undefined }, undefined],
    ['me@gate:2200', { host: 'gate', user: 'me', port: 2200 }, undefined],
    ['a@b@gate', { host: 'gate', user: 'a@b', port: undefined }, undefined],
    ['ssh://me@gate:33', { host: 'gate', user: 'me', port: 33 }, undefined],
    ['[fd00::1]:22', { host: 'fd00::1', user: undefined, port: 22 }, undefined],
    ['one,me@two:1,three', { host: 'three', user: undefined, port: undefined }, 'one,me@two:1'],
    ['%r@%h-gate:%p', { host: 'vm3.internal-gate', user: 'ops', port: 2222 }, undefined],
  ])('%s', (value, last, before) => {
    expect(proxy(`proxyjump ${value}`)).toEqual({ kind: 'jump', last, before });
  });

  test.each([['me@'], ['gate:'], ['gate:0'], ['gate:70000'], ['one,'], ['[gate']])(
    '%s is refused',
    (value) => {
      expect(() => proxy(`proxyjump ${value}`)).toThrow(
        expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining('is not a host') }),
      );
    },
  );
});

describe('ProxyCommand', () => {
  test('has its tokens expanded, and nothing else', () => {
    expect(proxy('proxycommand ssh -W "[%h]:%p" -l %r %n %k 100%% ~ $HOME gate')).toEqual({
      kind: 'command',
      command: 'ssh -W "[vm3.internal]:2222" -l ops vm3 vm3-alias 100% ~ $HOME gate',
    });
  });

  test('%%h is not a token', () => {
    expect(proxy('proxycommand run %%h')).toEqual({ kind: 'command', command: 'run %h' });
  });

  test.each([
    ['run %u', '%u is not a token'],
    ['run %', '% is not a token'],
    ['-', 'own input and output'],
  ])('%s is refused', (value, words) => {
    expect(() => proxy(`proxycommand ${value}`)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining(words) }),
    );
  });

  test('none is none', () => {
    expect(proxy('proxycommand none', 'proxyjump none', 'proxyusefdpass no')).toEqual({ kind: 'none' });
  });
});
