import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import { openSsh2Transport } from '../../../../src/ssh/ssh2/transport.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../../support/in-process/scripted-prompter.ts';
import { mustRun, runCommand } from '../../../support/process/child.ts';
import { until } from '../../../support/process/until.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';
import { type RunningAgent, startAgent } from '../../../support/servers/ssh-agent.ts';

/*
 * Every form of a configuration is given to ssh and to us, and both log in to the same sshd: either both are let in, as the same
 * user by the same key, and have filed the same names in known_hosts, or both are not. On purpose there is one difference: we
 * offer a key that is named before all that an agent holds, as sshd counts them (key-candidates.ts).
 */

interface Form {
  readonly what: string;
  /**
   * `$DIR` is a folder with `key`, `other`, `signed` (with a certificate), `known_hosts` and an agent that holds `held`;
   * `~daemon$UP` leads from a user's home to the root; `$PORT` is sshd's.
   */
  readonly config: readonly string[];
  readonly options?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What is in known_hosts at first: the name behind the port; nothing when false. */
  readonly knownAs?: string | false;
  readonly host?: string;
  /** What ssh itself says; so that the table is not about failures that nobody meant. */
  readonly isLetIn?: boolean;
}

const KEY = 'IdentityFile $DIR/key';

const FORMS: readonly Form[] = [
  { what: 'a key by its path', config: [KEY] },
  { what: 'keywords in any case, with = and quotes', config: ['IDENTITYFILE = "$DIR/key"'] },
  { what: 'a blank in a name', config: ['IdentityFile "$DIR/a key"'] },
  { what: 'a comment behind a value', config: [`${KEY} # mine`] },
  { what: 'CRLF at the end of lines', config: [`${KEY}\r`, 'ConnectTimeout 5\r'] },
  { what: '~user in IdentityFile', config: ['IdentityFile ~daemon$UP$DIR/key'] },
  {
    what: '~user in CertificateFile',
    config: ['IdentityFile $DIR/apart', 'CertificateFile ~daemon$UP$DIR/apart.pem'],
  },
  { what: '~user in UserKnownHostsFile', config: [KEY, 'UserKnownHostsFile ~daemon$UP$DIR/known_hosts'] },
  { what: '~user in IdentityAgent', config: ['IdentityFile none', 'IdentityAgent ~daemon$UP$DIR/agent'] },
  { what: '~user of nobody in IdentityFile', config: ['IdentityFile ~no-such-user/key'], isLetIn: false },
  {
    what: '~user of nobody in CertificateFile',
    config: [KEY, 'CertificateFile ~no-such-user/x'],
    isLetIn: false,
  },
  {
    what: 'a variable in IdentityFile',
    config: [`IdentityFile $\{KEYS}/key`],
    environment: { KEYS: '$DIR' },
  },
  { what: 'tokens in IdentityFile', config: ['IdentityFile $DIR/%n-%h-%r'] },
  { what: '%% in IdentityFile', config: ['IdentityFile $DIR/100%%'] },
  { what: 'an agent', config: ['IdentityFile none', 'IdentityAgent $DIR/agent'] },
  {
    what: 'an agent by a variable',
    config: ['IdentityFile none', 'IdentityAgent $AGENT'],
    environment: { AGENT: '$DIR/agent' },
  },
  {
    what: 'an agent by a variable in braces',
    config: ['IdentityFile none', `IdentityAgent $\{AGENT}`],
    environment: { AGENT: '$DIR/agent' },
  },
  {
    what: 'SSH_AUTH_SOCK',
    config: ['IdentityFile none', 'IdentityAgent SSH_AUTH_SOCK'],
    environment: { SSH_AUTH_SOCK: '$DIR/agent' },
  },
  {
    what: 'IdentityAgent none',
    config: ['IdentityFile none', 'IdentityAgent none'],
    environment: { SSH_AUTH_SOCK: '$DIR/agent' },
    isLetIn: false,
  },
  {
    what: 'IdentitiesOnly, and the key is in the agent alone',
    config: ['IdentityFile $DIR/other', 'IdentityAgent $DIR/agent', 'IdentitiesOnly yes'],
    isLetIn: false,
  },
  {
    what: 'the public half names one of the agent',
    config: ['IdentityFile $DIR/held.pub', 'IdentityAgent $DIR/agent', 'IdentitiesOnly yes'],
  },
  { what: 'a certificate beside its key', config: ['IdentityFile $DIR/signed'] },
  { what: 'two keys, the first unknown to sshd', config: ['IdentityFile $DIR/other', KEY] },
  { what: 'PubkeyAuthentication no', config: [KEY, 'PubkeyAuthentication no'], isLetIn: false },
  {
    what: 'PreferredAuthentications without publickey',
    config: [KEY, 'PreferredAuthentications password'],
    isLetIn: false,
  },
  {
    what: 'PubkeyAcceptedAlgorithms without the type of the key',
    config: [KEY, 'PubkeyAcceptedAlgorithms -ssh-ed25519'],
    isLetIn: false,
  },
  {
    what: 'RequiredRSASize above the key',
    config: ['IdentityFile $DIR/rsa', 'RequiredRSASize 3072'],
    isLetIn: false,
  },
  { what: 'RequiredRSASize below the key', config: ['IdentityFile $DIR/rsa', 'RequiredRSASize 2048'] },
  {
    what: 'a host that nobody knows, StrictHostKeyChecking yes',
    config: [KEY, 'StrictHostKeyChecking yes'],
    knownAs: false,
    isLetIn: false,
  },
  { what: 'accept-new', config: [KEY, 'StrictHostKeyChecking accept-new'], knownAs: false },
  { what: 'StrictHostKeyChecking off', config: [KEY, 'StrictHostKeyChecking off'], knownAs: false },
  {
    what: 'accept-new with HostKeyAlias',
    config: [KEY, 'StrictHostKeyChecking accept-new', 'HostKeyAlias Office'],
    knownAs: false,
  },
  { what: 'HostKeyAlias that is known', config: [KEY, 'HostKeyAlias office'], knownAs: 'office' },
  { what: 'a wildcard in known_hosts', config: [KEY], knownAs: '[127.0.0.*]:$PORT' },
  {
    what: 'a negation in known_hosts',
    config: [KEY],
    knownAs: '[127.*]:$PORT,![127.0.0.1]:$PORT',
    isLetIn: false,
  },
  { what: 'known in the second file', config: [KEY, 'UserKnownHostsFile $DIR/none $DIR/known_hosts'] },
  {
    what: 'known in GlobalKnownHostsFile',
    config: [KEY, 'UserKnownHostsFile none', 'GlobalKnownHostsFile $DIR/known_hosts'],
  },
  {
    what: 'KnownHostsCommand',
    config: [KEY, 'UserKnownHostsFile none', 'KnownHostsCommand /bin/cat $DIR/known_hosts'],
  },
  { what: 'RevokedHostKeys', config: [KEY, 'RevokedHostKeys $DIR/host_key.pub'], isLetIn: false },
  { what: 'RevokedHostKeys that is not there', config: [KEY, 'RevokedHostKeys $DIR/none'], isLetIn: false },
  {
    what: 'HostKeyAlgorithms that the host has not',
    config: [KEY, 'HostKeyAlgorithms rsa-sha2-512'],
    isLetIn: false,
  },
  { what: 'HostKeyAlgorithms with - and a pattern', config: [KEY, 'HostKeyAlgorithms -ecdsa-*'] },
  { what: 'Ciphers with ^', config: [KEY, 'Ciphers ^aes256-ctr'] },
  { what: 'KexAlgorithms with one', config: [KEY, 'KexAlgorithms ecdh-sha2-nistp256'] },
  { what: 'Ciphers of no name', config: [KEY, 'Ciphers rot13'], isLetIn: false },
  { what: 'AddressFamily inet6 and an IPv4 address', config: [KEY, 'AddressFamily inet6'], isLetIn: false },
  { what: 'BindAddress', config: [KEY, 'BindAddress 127.0.0.2'] },
  { what: 'BindAddress that is not of this machine', config: [KEY, 'BindAddress 192.0.2.1'], isLetIn: false },
  { what: 'Compression yes', config: [KEY, 'Compression yes'] },
  { what: 'a keyword that nobody knows', config: [KEY, 'Frobnicate yes'], isLetIn: false },
  { what: 'IgnoreUnknown', config: ['IgnoreUnknown Frob*', KEY, 'Frobnicate yes'] },
  { what: 'Match exec', config: ['Match exec true', `  ${KEY}`, 'Match exec false', '  User nobody'] },
  {
    what: 'Match originalhost and final',
    config: ['Match originalhost gate', `  ${KEY}`, 'Match final', '  ConnectTimeout 5'],
  },
  {
    what: 'the first value counts',
    config: [KEY, 'HostName 127.0.0.1', 'Port $PORT', 'Host *', '  Port 1', '  HostName 192.0.2.1'],
  },
  { what: 'a Host with !', config: ['Host !gate *', '  User nobody', 'Host gate', `  ${KEY}`] },
  { what: 'Include with a glob', config: ['Include $DIR/inc*.conf'] },
  { what: 'HostName with %h', config: ['HostName 127.0.0.%h', KEY], host: '1' },
  { what: 'a user with a blank', config: [KEY, 'User "no body"'], isLetIn: false },
  { what: 'ProxyCommand with tokens', config: [KEY, 'ProxyCommand nc %h %p'] },
  { what: 'ProxyCommand that ends', config: [KEY, 'ProxyCommand false'], isLetIn: false },
  {
    what: 'ProxyJump by an alias',
    config: [
      KEY,
      'ProxyJump hop',
      'Host hop',
      '  HostName localhost',
      '  AddressFamily inet',
      '  StrictHostKeyChecking accept-new',
      '  Port $PORT',
      `  ${KEY}`,
      '  UserKnownHostsFile $DIR/known_hosts',
    ],
  },
  { what: 'ProxyJump none', config: [KEY, 'ProxyJump none', 'Host *', '  ProxyJump nowhere.invalid'] },
  {
    what: '-o goes before the file',
    config: ['IdentityFile $DIR/other', 'User nobody'],
    options: ['User=$USER', 'IdentityFile=$DIR/key'],
  },
];

let sshd: LoopbackSshd;
let agent: RunningAgent;
let hostKey: string;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  const { directory, makeKey } = sshd;
  const key = await makeKey('key');
  await makeKey('other');
  const [rsa, held, signed] = [
    await makeKey('rsa', '-t', 'rsa', '-b', '2048', '-N', ''),
    await makeKey('held'),
    await makeKey('signed'),
  ];
  await sshd.authorize(key, rsa, held);
  const authority = await makeKey('authority');
  const user = userInfo().username;
  await mustRun(['ssh-keygen', '-q', '-s', authority, '-I', 'beside', '-n', user, `${signed}.pub`]);
  const apart = await makeKey('apart');
  await mustRun(['ssh-keygen', '-q', '-s', authority, '-I', 'apart', '-n', user, `${apart}.pub`]);
  await copyFile(`${apart}-cert.pub`, `${apart}.pem`);
  await rm(`${apart}-cert.pub`);
  await sshd.reconfigure(`TrustedUserCAKeys ${authority}.pub`);
  for (const name of ['a key', `gate-127.0.0.1-${user}`, '100%']) await copyFile(key, join(directory, name));
  await writeFile(join(directory, 'inc1.conf'), 'IdentityFile /nowhere\n');
  await writeFile(join(directory, 'inc2.conf'), `IdentityFile ${key}\n`);
  agent = await startAgent(join(directory, 'agent'), [held]);
  hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
});

afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await sshd[Symbol.asyncDispose]();
});

function filled(text: string): string {
  return text
    .replaceAll('$UP', '/../../../..')
    .replaceAll('$DIR', sshd.directory)
    .replaceAll('$PORT', String(sshd.port))
    .replaceAll('$USER', userInfo().username);
}

const configFile = (): string => join(sshd.directory, 'config');

async function prepare({ config, knownAs = '[127.0.0.1]:$PORT' }: Form): Promise<void> {
  const lines = ['Host gate 1', ...config, 'Host gate 1', 'HostName 127.0.0.1', 'Port $PORT'];
  const usual = [
    'BatchMode yes',
    'UserKnownHostsFile $DIR/known_hosts',
    'GlobalKnownHostsFile none',
    'IdentityAgent none',
    'HashKnownHosts no',
    'UpdateHostKeys no',
  ];
  await writeFile(configFile(), `${filled([...lines, 'Host *', ...usual].join('\n'))}\n`);
  await writeFile(sshd.knownHosts, knownAs === false ? '' : `${filled(knownAs)} ${hostKey}\n`);
}

/** As whom, and by which key, somebody was let in; and which hosts known_hosts names afterwards. */
interface Login {
  readonly accepted: string | undefined;
  readonly known: readonly string[];
}

const ACCEPTED = /^Accepted publickey for (\S+) from (\S+) port \d+ (ssh2: .*)$/gm;

/** Whoever logs in closes the connection before it is over, so that sshd has said all. */
async function observe(logIn: () => Promise<boolean>): Promise<Login> {
  const before = sshd.log().length;
  const accepted = () => [...sshd.log().slice(before).matchAll(ACCEPTED)];
  const isIn = await logIn();
  if (isIn) await until(() => accepted().length > 0, { deadlineMs: 5_000, what: 'a line of sshd about it' });
  const [, user, from, by] = accepted().at(-1) ?? [];
  const known = (await readFile(sshd.knownHosts, 'utf8')).split('\n').map((line) => line.split(' ')[0] ?? '');
  return { accepted: isIn ? `${user} from ${from} by ${by}` : undefined, known };
}

function environmentOf({ environment = {} }: Form): Record<string, string> {
  const variables = Object.entries(environment).map(([name, value]) => [name, filled(value)] as const);
  return { PATH: process.env['PATH'] ?? '', ...Object.fromEntries(variables) };
}

async function bySsh(form: Form): Promise<boolean> {
  // No session: a shell takes longer than all the rest.
  const whenIn = ['-N', '-o', 'PermitLocalCommand=yes', '-o', 'LocalCommand=echo in; kill $PPID'];
  const options = (form.options ?? []).flatMap((option) => ['-o', filled(option)]);
  const { stdout } = await runCommand(
    ['ssh', '-F', configFile(), ...whenIn, ...options, form.host ?? 'gate'],
    {
      env: environmentOf(form),
    },
  );
  return stdout === 'in\n';
}

async function byUs(form: Form): Promise<boolean> {
  const logger = recordingLogger();
  const { signal } = new AbortController();
  const request = {
    host: form.host ?? 'gate',
    user: undefined,
    port: undefined,
    password: undefined,
    identityFiles: [],
    options: (form.options ?? []).map(filled),
    configFile: configFile(),
  };
  try {
    const target = await resolveTarget(request, { logger, signal, environment: environmentOf(form) });
    const context = { logger, signal, prompter: NO_TERMINAL, beforeDial: async () => {} };
    const transport = await openSsh2Transport(target, { ...context, mayOpenSession: false });
    await transport.close();
    return true;
  } catch {
    return false;
  }
}

test('there are many forms', () => {
  expect(FORMS.length).toBeGreaterThanOrEqual(60);
});

describe('ssh and we do the same with', () => {
  test.each(FORMS)('$what', async (form) => {
    await prepare(form);
    const theirs = await observe(() => bySsh(form));
    expect(theirs.accepted !== undefined, 'what ssh does').toBe(form.isLetIn ?? true);
    await prepare(form);
    expect(await observe(() => byUs(form))).toEqual(theirs);
  });
});
