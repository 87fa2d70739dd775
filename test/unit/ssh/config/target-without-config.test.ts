import { describe, expect, test } from 'vitest';
import type { SshRequest } from '../../../../src/ssh/config/request.ts';
import type { LocalIdentity } from '../../../../src/ssh/config/target-from-config.ts';
import { targetWithoutConfig } from '../../../../src/ssh/config/target-without-config.ts';

const LOCAL: LocalIdentity = {
  userName: 'me',
  userId: 1000,
  homeDirectory: '/home/me',
  hostName: 'desk.example.com',
  environment: {},
};

function resolve(options: readonly string[], request: Partial<SshRequest> = {}) {
  const given = { host: 'Gate', user: undefined, port: undefined, password: undefined, identityFiles: [] };
  return targetWithoutConfig({ ...given, ...request, options }, LOCAL);
}

describe('without ssh', () => {
  test('the request stands alone', () => {
    const { target } = resolve([], { port: 2222, identityFiles: ['/k'] });
    expect(target).toMatchObject({ host: 'gate', port: 2222, user: 'me' });
    expect(target.hostKeys.userFiles).toEqual(['/home/me/.ssh/known_hosts']);
    expect(target.authentication.identities).toEqual([{ path: '/k', origin: 'named' }]);
    expect(resolve([]).target.authentication.identities[0]).toEqual({
      path: '/home/me/.ssh/id_ed25519',
      origin: 'default',
    });
  });

  test('-o is honoured, in every form that ssh takes', () => {
    const { target, ignored } = resolve([
      'HostName=%h.example.net',
      'Port 2022',
      'user = ops',
      'ConnectTimeout=3',
      'ServerAliveInterval=7',
      'ServerAliveCountMax=2',
      'BatchMode=Yes',
      'IdentitiesOnly=yes',
      'StrictHostKeyChecking=YES',
      'UserKnownHostsFile="/a b/known" ~/more',
      'GlobalKnownHostsFile=none',
    ]);
    expect(target).toMatchObject({
      host: 'gate.example.net',
      port: 2022,
      user: 'ops',
      connectTimeoutMs: 3000,
      keepalive: { intervalMs: 7000, countMax: 2 },
      hostKeys: { unknownKey: 'refuse', userFiles: ['/a b/known', '/home/me/more'], globalFiles: [] },
      authentication: { batchMode: true, identitiesOnly: true },
    });
    expect(ignored).toEqual([]);
  });

  test('the first of several counts, before -p; identity files add up', () => {
    const { target } = resolve(['Port=1', 'Port=2', 'IdentityFile=~/one', 'IdentityFile=~/two'], {
      port: 3,
      identityFiles: ['/three'],
    });
    expect(target.port).toBe(1);
    expect(target.authentication.identities.map(({ path }) => path)).toEqual([
      '/home/me/one',
      '/home/me/two',
      '/three',
    ]);
  });

  test('what has no effect is named', () => {
    expect(resolve(['TCPKeepAlive=no', 'constructor=1']).ignored).toEqual([
      '-o TCPKeepAlive=no',
      '-o constructor=1',
    ]);
  });

  test.each([
    ['ConnectTimeout=soon', "-o ConnectTimeout=soon: 'soon' is not a number of seconds"],
    ['StrictHostKeyChecking=yess', "'yess' is not yes, no, ask or accept-new"],
    ['Port=0', "'0' is not a port"],
    ['HostName=', "'' is not a host"],
  ])('%s is a configuration error', (option, message) => {
    expect(() => resolve([option])).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining(message) }),
    );
  });
});
