import { expect, test } from 'vitest';
import type { SshRequest } from '../../../../src/ssh/config/request.ts';
import { masterArguments } from '../../../../src/ssh/openssh/master-arguments.ts';

const REQUEST: SshRequest = {
  host: 'gate',
  user: 'me',
  port: 2222,
  password: undefined,
  identityFiles: ['/keys/one'],
  options: ['ControlPersist=yes', 'LogLevel=QUIET', 'ClearAllForwardings=yes'],
  configFile: '/etc/office',
  jump: 'one,two',
};
const TARGET = {
  keepalive: { intervalMs: 5_000, countMax: 3 },
  connectTimeoutMs: 10_000,
  openssh: { ignoredKeywords: ['UseKeychain'], needs: [], notInSsh2: [], clearedForwardings: [] },
};

/** What is behind the options that come first, and so count. */
function asText(words: readonly string[]): string {
  return words.join(' ').replaceAll(' -', '\n-');
}

test("a master has the user's configuration, and nothing of it that runs, forks or forwards", () => {
  const words = masterArguments(REQUEST, TARGET, { control: '/run/x/control', socks: undefined });
  expect(asText(words)).toMatchInlineSnapshot(`
    "-M
    -N
    -T
    -a
    -x
    -S /run/x/control
    -o IgnoreUnknown=UseKeychain,ForkAfterAuthentication
    -o ForkAfterAuthentication=no
    -o ControlPersist=no
    -o RemoteCommand=none
    -o PermitLocalCommand=no
    -o EscapeChar=none
    -o Tunnel=no
    -o LogLevel=INFO
    -o ServerAliveInterval=5
    -o ServerAliveCountMax=3
    -o ConnectTimeout=10
    -o ClearAllForwardings=yes
    -F /etc/office
    -J one,two
    -o ControlPersist=yes
    -o LogLevel=QUIET
    -o ClearAllForwardings=yes
    -p 2222
    -l me
    -i /keys/one
    -- gate"
  `);
});

test('with SOCKS the forwardings of the user stay, and none of them is the end', () => {
  const words = masterArguments(REQUEST, TARGET, { control: '/run/x/control', socks: '/run/x/socks' });
  expect(words).toEqual(expect.arrayContaining(['-D', '/run/x/socks', 'ExitOnForwardFailure=no']));
  // It would clear -D as well, and with it every flow.
  expect(words.find((word) => word.startsWith('ClearAllForwardings='))).toBe('ClearAllForwardings=no');
});
