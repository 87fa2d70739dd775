import { userInfo } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { SshRequest } from '../../../../src/ssh/config/request.ts';
import { resolveRoute } from '../../../../src/ssh/config/resolve-route.ts';
import { parseSshConfigOutput } from '../../../../src/ssh/config/ssh-config-output.ts';
import { targetFromConfig } from '../../../../src/ssh/config/target-from-config.ts';
import type { SshTarget } from '../../../../src/ssh/ssh-target.ts';

const REQUEST: SshRequest = {
  host: 'target',
  user: undefined,
  port: undefined,
  password: 'secret',
  identityFiles: ['/key'],
  options: ['Compression=yes'],
  configFile: '/config',
};
const UPSTREAM = { host: 'proxy', port: 1080, user: 'me', password: 'hunter2' };
const LOCAL = {
  userName: userInfo().username,
  userId: 1000,
  homeDirectory: '/home/me',
  hostName: 'laptop',
  environment: {},
};

/** Resolves with these lines of `ssh -G` for each host; `-J` goes before them, as with ssh. */
function resolve(lines: Readonly<Record<string, string>>, request: Partial<SshRequest> = {}) {
  const requests: SshRequest[] = [];
  const builtIn = parseSshConfigOutput('');
  const target = resolveRoute({ ...REQUEST, ...request }, async (one) => {
    requests.push(one);
    const line = one.jump === undefined ? (lines[one.host] ?? '') : `proxyjump ${one.jump}`;
    const output = parseSshConfigOutput(`hostname ${one.host}.example\n${line}`);
    return targetFromConfig(one, output, builtIn, LOCAL);
  });
  return { target, requests };
}

/** The hosts from the target outwards, and what stands before the last. */
function wayTo(target: SshTarget): string[] {
  const { proxy } = target;
  return [target.requestedHost, ...(proxy.kind === 'jump' ? wayTo(proxy.jumpHost) : [proxy.kind])];
}

describe('jump hosts', () => {
  test('of a list are in order; the first may have its own', async () => {
    const { target } = resolve({ one: 'proxyjump zero', two: 'proxyjump elsewhere' }, { jump: 'one,two' });
    expect(wayTo(await target)).toEqual(['target', 'two', 'one', 'zero', 'none']);
  });

  test('are given -F and nothing else of the command line', async () => {
    const { target, requests } = resolve({}, { jump: 'me@one:2222', upstreamProxy: UPSTREAM });
    await target;
    expect(requests[1]).toEqual({
      host: 'one',
      user: 'me',
      port: 2222,
      password: undefined,
      identityFiles: [],
      options: [],
      configFile: '/config',
      jump: undefined,
      upstreamProxy: UPSTREAM,
    });
  });

  test('may end in a ProxyCommand, or behind the upstream proxy', async () => {
    expect(wayTo(await resolve({ target: 'proxyjump gate', gate: 'proxycommand nc %h %p' }).target)).toEqual([
      'target',
      'gate',
      'command',
    ]);
    const upstream = resolve({ target: 'proxyjump gate' }, { upstreamProxy: UPSTREAM });
    expect(wayTo(await upstream.target)).toEqual(['target', 'gate', 'socks5']);
    expect(JSON.stringify(await upstream.target)).not.toContain('hunter2');
  });

  test.each([
    [
      'a circle',
      { target: 'proxyjump a', a: 'proxyjump b', b: 'proxyjump a' },
      /in a circle: .*a\.example.*b\.example.*a\.example/,
    ],
    ['the target itself', { target: 'proxyjump target' }, /in a circle/],
    [
      'a chain without end',
      { target: `proxyjump ${Array.from({ length: 20 }, (_, index) => `h${index}`).join(',')}` },
      /more than 16 jump hosts/,
    ],
  ])('%s is refused', async (_name, lines, words) => {
    await expect(resolve(lines).target).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(words),
    });
  });
});

test('an upstream proxy has no place before a ProxyCommand', async () => {
  await expect(
    resolve({ target: 'proxycommand nc %h %p' }, { upstreamProxy: UPSTREAM }).target,
  ).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringContaining('nc target.example 22'),
  });
});
