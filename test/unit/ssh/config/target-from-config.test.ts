import { describe, expect, test } from 'vitest';
import type { TshuttleError } from '../../../../src/core/errors.ts';
import { DEFAULT_ALGORITHMS } from '../../../../src/ssh/config/algorithms.ts';
import type { SshRequest } from '../../../../src/ssh/config/request.ts';
import { configPathList, parseSshConfigOutput } from '../../../../src/ssh/config/ssh-config-output.ts';
import { type LocalIdentity, targetFromConfig } from '../../../../src/ssh/config/target-from-config.ts';
import { describeTarget } from '../../../../src/ssh/ssh-target.ts';

const LOCAL: LocalIdentity = {
  userName: 'me',
  userId: 1000,
  homeDirectory: '/home/me',
  hostName: 'desk.example.com',
  environment: { SSH_AUTH_SOCK: '/run/agent', KEYS: '/keys', EMPTY: '' },
};
const REQUEST: SshRequest = {
  host: 'Alias',
  user: undefined,
  port: undefined,
  password: undefined,
  identityFiles: [],
  options: [],
};
/** `ssh -G -F none` of OpenSSH 9.2, as far as it matters here. */
const BUILT_IN = [
  'ciphers chacha20-poly1305@openssh.com,aes128-ctr',
  'kexalgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256',
  'identityfile ~/.ssh/id_rsa',
  'identityfile ~/.ssh/id_ed25519',
];

/** The target of a configuration whose own lines come before the built-in ones they replace. */
function target(...lines: string[]) {
  const keywords = new Set(lines.map((line) => line.split(' ')[0]));
  const rest = BUILT_IN.filter((line) => !keywords.has(line.split(' ')[0]));
  const configured = parseSshConfigOutput([...lines, ...rest].join('\n'));
  return targetFromConfig(REQUEST, configured, parseSshConfigOutput(BUILT_IN.join('\n')), LOCAL);
}

function refusal(...lines: string[]): TshuttleError {
  const error = target(...lines).target.openssh.needs[0]?.error;
  if (error === undefined) throw new Error('nothing is needed that ssh2 has not');
  return error;
}

describe('where and who', () => {
  test('follows HostName, Port and User', () => {
    const { target: made } = target(
      'hostname Bastion.Example.com',
      'port 2222',
      'user ops',
      'addressfamily inet6',
    );
    expect(made).toMatchObject({ host: 'bastion.example.com', port: 2222, user: 'ops', addressFamily: 6 });
    expect(describeTarget(made)).toBe('ops@bastion.example.com:2222');
  });

  test('is the local user at port 22 of the name given otherwise', () => {
    const { target: made } = target();
    expect(made).toMatchObject({
      host: 'alias',
      port: 22,
      user: 'me',
      addressFamily: 'any',
      bindAddress: undefined,
    });
    expect(describeTarget(made)).toBe('me@alias');
  });

  test('notices a dead bastion within 15 s, unless the user has another wish', () => {
    expect(target().target.keepalive).toEqual({ intervalMs: 5000, countMax: 3 });
    expect(target('serveraliveinterval 0', 'serveralivecountmax 3').target.keepalive.intervalMs).toBe(5000);
    const { keepalive } = target('serveraliveinterval 60', 'serveralivecountmax 2').target;
    expect(keepalive).toEqual({ intervalMs: 60_000, countMax: 2 });
  });

  test('waits ConnectTimeout for an address, or 10 s', () => {
    expect(target('connecttimeout none').target.connectTimeoutMs).toBe(10_000);
    expect(target('connecttimeout 3').target.connectTimeoutMs).toBe(3000);
    expect(target('connecttimeout 0').target.connectTimeoutMs).toBe(10_000);
    expect(target('connecttimeout 3000000').target.connectTimeoutMs).toBe(2 ** 31 - 1);
  });
});

describe('a link-local bastion', () => {
  test('keeps the name of its interface, and is known by it in lower case, as for ssh', () => {
    const { target: made } = target('hostname FE80::1%Eth0', 'port 2222');
    expect(made.host).toBe('fe80::1%Eth0');
    expect(made.hostKeys.lookupName).toBe('[fe80::1%eth0]:2222');
    expect(made.openssh.needs).toEqual([]);
    expect(describeTarget(made)).toMatch(/@\[fe80::1%Eth0\]:2222$/);
  });

  test('is for ssh itself where Node cannot dial by that interface', () => {
    expect(target('hostname fe80::1%br_lan').target.openssh.needs).toHaveLength(1);
  });
});

test('the home of a user whom the machine does not have is an error, in whatever option', () => {
  for (const line of [
    'identityfile',
    'certificatefile',
    'userknownhostsfile',
    'revokedhostkeys',
    'identityagent',
  ]) {
    expect(() => target(`${line} ~no-such-user/x`), line).toThrow('no user no-such-user');
  }
});

test('without an account there is no user to take, unless the configuration names one', () => {
  const nobody = { ...LOCAL, userName: undefined };
  const configured = parseSshConfigOutput(BUILT_IN.join('\n'));
  expect(() => targetFromConfig(REQUEST, configured, configured, nobody)).toThrow('no user for Alias');
  const named = new Map([...configured, ['user', ['ops']]]);
  expect(targetFromConfig(REQUEST, named, configured, nobody).target.user).toBe('ops');
});

test('forwardings are told as cleared only where they are', () => {
  const lines = ['localforward 8080 [localhost]:80', 'dynamicforward 1080'];
  expect(target(...lines).target.openssh.clearedForwardings).toEqual([]);
  expect(target(...lines, 'clearallforwardings yes').target.openssh.clearedForwardings).toEqual([
    'LocalForward 8080 [localhost]:80',
    'DynamicForward 1080',
  ]);
});

describe('host keys', () => {
  test('are looked up by name, by [name]:port, or by HostKeyAlias', () => {
    expect(target('hostname H').target.hostKeys).toMatchObject({
      lookupName: 'h',
      lookupNameWithoutPort: undefined,
    });
    expect(target('hostname h', 'port 22022').target.hostKeys).toMatchObject({
      lookupName: '[h]:22022',
      lookupNameWithoutPort: 'h',
    });
    expect(target('hostname h', 'port 22022', 'hostkeyalias Farm').target.hostKeys).toMatchObject({
      lookupName: 'farm',
      lookupNameWithoutPort: undefined,
    });
  });

  test.each([
    ['yes', 'refuse'],
    ['true', 'refuse'],
    ['ask', 'ask'],
    ['accept-new', 'accept'],
    ['no', 'accept'],
    ['false', 'accept'],
  ])('StrictHostKeyChecking %s means: %s', (value, unknownKey) => {
    expect(target(`stricthostkeychecking ${value}`).target.hostKeys.unknownKey).toBe(unknownKey);
  });

  test('are read from the files named', () => {
    const { hostKeys } = target('userknownhostsfile /a/kh ~/kh%p', 'globalknownhostsfile none').target;
    expect(hostKeys).toMatchObject({ userFiles: ['/a/kh', '/home/me/kh22'], globalFiles: [] });
  });

  test('a file name with a space is kept together', () => {
    const output = parseSshConfigOutput('userknownhostsfile /a b/kh ~/kh2 c');
    expect(configPathList(output, 'userknownhostsfile')).toEqual(['/a b/kh', '~/kh2 c']);
  });
});

describe('identities', () => {
  test('are expanded, and told apart by whether the user named them', () => {
    const { identities } = target(
      'hostname h.lab',
      'user ops',
      'identityfile ~/%r@%h-%n-%p',
      `identityfile \${KEYS}/%u-%i-%L-%%-%k`,
      'identityfile ~/.ssh/id_ed25519',
      'identityfile ~/.ssh/id_ed25519',
    ).target.authentication;
    expect(identities).toEqual([
      { path: '/home/me/ops@h.lab-Alias-22', origin: 'named' },
      { path: '/keys/me-1000-desk-%-Alias', origin: 'named' },
      { path: '/home/me/.ssh/id_ed25519', origin: 'default' },
    ]);
  });

  test.each([
    ['nothing set', [], '/run/agent'],
    ['SSH_AUTH_SOCK', ['identityagent SSH_AUTH_SOCK'], '/run/agent'],
    ['none', ['identityagent none'], undefined],
    ['a path', ['identityagent ~/agent-%r'], '/home/me/agent-me'],
    ['a variable', ['identityagent $KEYS'], '/keys'],
    ['an empty variable', ['identityagent $EMPTY'], undefined],
    ['a missing variable', ['identityagent $MISSING'], undefined],
  ])('the agent, with %s', (_name, lines, socket) => {
    expect(target(...lines).target.authentication.agentSocket).toBe(socket);
  });

  test.each([
    ['linux', undefined],
    ['darwin', undefined],
    ['win32', '\\\\.\\pipe\\openssh-ssh-agent'],
  ])('the agent that no variable names, on %s', (platform, socket) => {
    const own = process.platform;
    Object.defineProperty(process, 'platform', { value: platform });
    try {
      const configured = parseSshConfigOutput(BUILT_IN.join('\n'));
      const local = { ...LOCAL, environment: {} };
      const agentOf = (environment: Record<string, string>): string | undefined =>
        targetFromConfig(REQUEST, configured, configured, { ...local, environment }).target.authentication
          .agentSocket;
      expect(agentOf({})).toBe(socket);
      expect(agentOf({ SSH_AUTH_SOCK: '/its/own' })).toBe('/its/own');
    } finally {
      Object.defineProperty(process, 'platform', { value: own });
    }
  });
});

describe('methods', () => {
  test.each([
    ['by default', [], ['publickey', 'keyboard-interactive', 'password']],
    ['switched off', ['pubkeyauthentication false', 'passwordauthentication no'], ['keyboard-interactive']],
    [
      'in another order, with one we have not',
      ['preferredauthentications password,gssapi-with-mic,publickey'],
      ['password', 'publickey'],
    ],
  ])('%s', (_name, lines, methods) => {
    expect(target(...lines).target.authentication.methods).toEqual(methods);
  });
});

describe('algorithms', () => {
  test('are our own where the user has set none', () => {
    expect(target().target.algorithms).toEqual(DEFAULT_ALGORITHMS);
  });

  test('are those of the user that we have, in their order, old ones too', () => {
    const { algorithms } = target(
      'ciphers aes256-ctr,aes128-gcm@openssh.com,no-such',
      'macs umac-64@openssh.com,hmac-sha2-512',
      'hostkeyalgorithms ssh-ed25519-cert-v01@openssh.com,ssh-rsa',
      'compression yes',
    ).target;
    expect(algorithms).toMatchObject({
      keyExchange: DEFAULT_ALGORITHMS.keyExchange,
      cipher: ['aes256-ctr', 'aes128-gcm@openssh.com'],
      mac: ['hmac-sha2-512'],
      hostKey: ['ssh-ed25519-cert-v01@openssh.com', 'ssh-rsa'],
      compression: ['zlib@openssh.com', 'zlib', 'none'],
    });
  });

  test('never begin with SHA-1 signatures or DSA by themselves', () => {
    expect(DEFAULT_ALGORITHMS.hostKey).not.toContain('ssh-rsa');
    expect(DEFAULT_ALGORITHMS.hostKey).not.toContain('ssh-dss');
  });

  test('none in common is an error that says what there is', () => {
    const error = refusal('kexalgorithms sntrup761x25519-sha512');
    expect(error.code).toBe('ERR_CONFIG');
    expect(error.message).toContain('KexAlgorithms sntrup761x25519-sha512');
    expect(error.remedy).toContain('curve25519-sha256');
  });
});

describe('what cannot be honoured', () => {
  test.each([
    ['BindInterface', ['bindinterface eth1']],
    ['ProxyUseFdpass', ['proxyusefdpass yes', 'proxycommand run']],
    ['gssapiauthentication', ['preferredauthentications gssapi-with-mic', 'gssapiauthentication yes']],
  ])('%s is for ssh itself', (named, lines) => {
    const error = refusal(...lines);
    expect(error.code).toBe('ERR_CONFIG');
    expect(error.message).toContain(named);
    expect(error.remedy).toBeDefined();
  });

  test('"none" is nothing', () => {
    expect(() => target('proxyjump none', 'proxycommand none', 'revokedhostkeys none')).not.toThrow();
  });

  test('is told of switches about the host key that are on', () => {
    const off = ['checkhostip no', 'visualhostkey no', 'verifyhostkeydns false'];
    expect(target(...off, 'nohostauthenticationforlocalhost no').target.openssh.notInSsh2).toEqual([]);
    const on = target('checkhostip yes', 'verifyhostkeydns ask', 'visualhostkey yes');
    expect(on.target.openssh.notInSsh2).toEqual([
      'CheckHostIP yes',
      'VerifyHostKeyDNS ask',
      'VisualHostKey yes',
    ]);
  });

  test('what may not matter is named', () => {
    const { openssh } = target('pkcs11provider /lib/p11.so').target;
    expect(openssh.notInSsh2).toEqual(['PKCS11Provider /lib/p11.so']);
    expect(openssh.needs).toEqual([{ what: 'PKCS11Provider /lib/p11.so', error: undefined }]);
  });
});

test('a password does not show itself', () => {
  const configured = parseSshConfigOutput(BUILT_IN.join('\n'));
  const made = targetFromConfig({ ...REQUEST, password: 'hunter2' }, configured, configured, LOCAL).target;
  expect(made.authentication.password?.reveal()).toBe('hunter2');
  expect(JSON.stringify(made)).not.toContain('hunter2');
  expect(`${made.authentication.password}`).not.toContain('hunter2');
});
