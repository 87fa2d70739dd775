import { expect, test } from 'vitest';
import { openExamination } from '../../../../src/ssh/openssh/examination.ts';
import { openGateSession } from '../../../../src/ssh/openssh/gate-session.ts';
import { masterFailure } from '../../../../src/ssh/openssh/master-failure.ts';
import { openOpensshTransport } from '../../../../src/ssh/openssh/transport.ts';
import type { SshTarget } from '../../../../src/ssh/ssh-target.ts';
import { isCutOffLogin } from '../../../../src/tunnel/bastion/attempt-decision.ts';

const TARGET = { host: 'gate.example', requestedHost: 'gate', port: 2222, user: 'me' } as SshTarget;

/** Lines of OpenSSH 9.2. */
test.each([
  ['ERR_BASTION_AUTH', 'Permission denied (publickey)', ['me@gate.example: Permission denied (publickey).']],
  [
    'ERR_BASTION_AUTH',
    'Too many authentication failures',
    [
      'Received disconnect from 198.51.100.1 port 22:2: Too many authentication failures',
      'Disconnected from 198.51.100.1 port 22',
    ],
  ],
  // Of a jump host: the ssh behind it says what came of that.
  [
    'ERR_BASTION_AUTH',
    'Permission denied (publickey)',
    [
      'me@jump: Permission denied (publickey).',
      'kex_exchange_identification: Connection closed by remote host',
      'Connection closed by UNKNOWN port 65535',
    ],
  ],
  [
    'ERR_HOST_KEY',
    'Host key verification failed',
    [
      'No ED25519 host key is known for gate.example and you have requested strict checking.',
      'Host key verification failed.',
    ],
  ],
  [
    'ERR_BASTION_UNREACHABLE',
    'Connection refused',
    ['ssh: connect to host gate.example port 2222: Connection refused'],
  ],
  [
    'ERR_BASTION_UNREACHABLE',
    'Could not resolve',
    ['ssh: Could not resolve hostname gate.example: Name or service not known'],
  ],
  [
    'ERR_CONFIG',
    'no matching key exchange method',
    [
      'Unable to negotiate with 198.51.100.1 port 22: no matching key exchange method found. Their offer: sntrup761x25519-sha512',
    ],
  ],
  ['ERR_CONFIG', 'No user exists for uid 54321', ['No user exists for uid 54321']],
  ['ERR_CONFIG', 'Bad configuration option', ['command-line: line 0: Bad configuration option: frobnicate']],
])('%s: %s', (code, said, lines) => {
  const error = masterFailure(TARGET, { exitCode: 255, signal: null, lines });
  expect(error.code).toBe(code);
  expect(error.message).toContain('me@gate.example:2222');
  expect(error.message).toContain(said);
  expect(error.remedy).toBeTypeOf('string');
});

test.each([
  {
    what: 'in the middle of the login',
    lines: ['Connection closed by 198.51.100.1 port 22'],
    isCutOff: true,
    remedy: /what its log says/,
  },
  {
    what: 'before it has named its version, as by MaxStartups and PerSourcePenalties',
    lines: [
      'kex_exchange_identification: read: Connection reset by peer',
      'Connection reset by 198.51.100.1 port 22',
    ],
    isCutOff: false,
    remedy: /shuts this address out for now \(PerSourcePenalties/,
  },
  {
    what: 'behind a proxy that could not reach it: that is what counts',
    lines: [
      'channel 0: open failed: connect failed: Connection refused',
      'kex_exchange_identification: Connection closed by remote host',
      'Connection closed by UNKNOWN port 65535',
    ],
    isCutOff: false,
    remedy: /^check the host and the port/,
  },
])('a bastion that hangs up $what', ({ lines, isCutOff, remedy }) => {
  const error = masterFailure(TARGET, { exitCode: 255, signal: null, lines });
  expect(error.code).toBe('ERR_BASTION_UNREACHABLE');
  expect(isCutOffLogin(error)).toBe(isCutOff);
  expect(error.remedy).toMatch(remedy);
});

test.each([
  {
    what: 'changed',
    lines: [
      '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @',
      'Host key for [gate.example]:2222 has changed and you have requested strict checking.',
      'Host key verification failed.',
    ],
    remedy: /ssh-keygen -R '\[gate\.example\]:2222'$/,
  },
  {
    what: 'revoked',
    lines: ['Host key ED25519 SHA256:abc revoked by file /etc/ssh/revoked', 'Host key verification failed.'],
    remedy: /do not connect before/,
  },
])('a host key that is $what has a remedy of its own', ({ lines, remedy }) => {
  const error = masterFailure(TARGET, { exitCode: 255, signal: null, lines });
  expect(error.code).toBe('ERR_HOST_KEY');
  expect(error.remedy).toMatch(remedy);
});

test('too many keys for the bastion: the right one is to be named', () => {
  const lines = ['Received disconnect from 198.51.100.1 port 22:2: Too many authentication failures'];
  const { remedy } = masterFailure(TARGET, { exitCode: 255, signal: null, lines });
  expect(remedy).toContain('name the right one with -i');
});

test('an ssh that says nothing is told by its end', () => {
  const error = masterFailure(TARGET, { exitCode: null, signal: 'SIGKILL', lines: [] });
  expect(error).toMatchObject({
    code: 'ERR_BASTION_UNREACHABLE',
    message: expect.stringContaining('SIGKILL'),
  });
});

test('a machine without ssh is told what to install', () => {
  const lines = ['sh: 1: exec: ssh: not found'];
  expect(masterFailure(TARGET, { exitCode: 127, signal: null, lines })).toMatchObject({
    code: 'ERR_CONFIG',
    remedy: expect.stringContaining('install'),
  });
});

test.each([
  ['a tunnel', (unused: never) => openOpensshTransport(TARGET, unused, unused, unused), /ssh2/],
  ['gate keys', (unused: never) => openGateSession(TARGET, unused, unused), /WSL2/],
  ['bastion audit', (unused: never) => openExamination(TARGET, unused, unused), /WSL2/],
])('on Windows no ssh is started for %s, which would never be up', async (_what, open, remedy) => {
  const own = process.platform;
  Object.defineProperty(process, 'platform', { value: 'win32' });
  try {
    const refused = { code: 'ERR_CONFIG', message: expect.stringContaining('no ControlMaster') };
    await expect(open({} as never)).rejects.toMatchObject({
      ...refused,
      remedy: expect.stringMatching(remedy),
    });
  } finally {
    Object.defineProperty(process, 'platform', { value: own });
  }
});
