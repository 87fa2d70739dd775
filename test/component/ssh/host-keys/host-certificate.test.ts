import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { messageOf } from '../../../../src/core/errors.ts';
import { formatKnownHost } from '../../../../src/ssh/host-keys/known-hosts.ts';
import { parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import type { Prompter } from '../../../../src/ssh/prompter.ts';
import type { ConnectedBastion } from '../../../../src/ssh/ssh2/connection/connect.ts';
import { offerOwn } from '../../../../src/ssh/ssh2/internals/key-exchange-internals.ts';
import { connectTo, hangUp, outcomeOf, outcomeOfSsh } from '../../../support/in-process/bastion-outcome.ts';
import { type RecordingLogger, recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { scriptedPrompter } from '../../../support/in-process/scripted-prompter.ts';
import { mustRun } from '../../../support/process/child.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

let sshd: LoopbackSshd;
let userKey: string;
let logger: RecordingLogger;
/** Public keys, `type base64`, by file name. */
const keys = new Map<string, string>();
let shownCertificate = '';

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  userKey = await sshd.makeKey('user_key');
  await sshd.authorize(userKey);
  for (const type of ['ed25519', 'ecdsa', 'rsa']) {
    for (const name of [`host_${type}`, `ca_${type}`]) {
      await sshd.makeKey(name, '-t', type, '-N', '');
      const text = await readFile(join(sshd.directory, `${name}.pub`), 'utf8');
      keys.set(name, text.split(' ').slice(0, 2).join(' '));
    }
  }
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

beforeEach(() => {
  logger = recordingLogger();
});

const key = (name: string): string => keys.get(name) ?? '';

/** Has the server show a certificate over one of its keys, made with these arguments; nothing is done where it does already. */
async function show(hostKey: string, authority: string, ...signing: string[]): Promise<void> {
  const wanted = [hostKey, authority, ...signing].join(' ');
  if (wanted === shownCertificate) return;
  const file = join(sshd.directory, hostKey);
  await rm(`${file}-cert.pub`, { force: true });
  const signWith = ['-q', '-s', join(sshd.directory, authority), '-I', 'the-bastion'];
  await mustRun(['ssh-keygen', ...signWith, ...signing, `${file}.pub`]);
  await sshd.reconfigure(
    `HostKey ${file}`,
    `HostCertificate ${file}-cert.pub`,
    'RekeyLimit 64K',
    // OpenSSH 10 still has them, and does not offer them unasked.
    'KexAlgorithms +diffie-hellman-group14-sha256,diffie-hellman-group-exchange-sha256',
  );
  shownCertificate = wanted;
}

const connect = (options: readonly string[]): Promise<ConnectedBastion> =>
  connectTo(sshd.request([userKey], ...options), { logger });

const outcome = (options: readonly string[], prompter?: Prompter): Promise<string> =>
  outcomeOf(sshd.request([userKey], ...options), prompter === undefined ? { logger } : { logger, prompter });

interface Case {
  readonly name: string;
  readonly knownHosts: () => string;
  readonly hostKey?: string;
  readonly authority?: string;
  readonly signing?: readonly string[];
  readonly options?: readonly string[];
  readonly expected: 'in' | RegExp;
}

const CURRENT = ['-h', '-n', 'bastion,127.0.0.1'];
const ALIAS = ['HostKeyAlias=Bastion'];
const trusted = (names = 'bastion', authority = 'ca_ed25519') =>
  `@cert-authority ${names} ${key(authority)}\n`;

const CASES: readonly Case[] = [
  { name: 'an authority for the name', knownHosts: () => trusted(), expected: 'in' },
  { name: 'an authority for a pattern', knownHosts: () => trusted('*.lab,b?st*'), expected: 'in' },
  {
    name: 'an authority for a pattern that leaves it out',
    knownHosts: () => trusted('*,!bastion'),
    expected: /unknown host key/,
  },
  {
    name: 'an authority for a hashed name',
    knownHosts: () => {
      const authority = parsePublicKeyLine(key('ca_ed25519'));
      return authority === undefined
        ? ''
        : `@cert-authority ${formatKnownHost('bastion', authority, 'hashed')}`;
    },
    expected: 'in',
  },
  { name: 'an authority for another name', knownHosts: () => trusted('other'), expected: /unknown host key/ },
  { name: 'another authority', knownHosts: () => trusted('*', 'ca_rsa'), expected: /unknown host key/ },
  {
    name: 'an authority for the address and port',
    knownHosts: () => trusted(`[127.0.0.1]:${sshd.port}`),
    options: [],
    expected: 'in',
  },
  {
    name: 'an authority for the address',
    knownHosts: () => trusted('127.0.0.1'),
    options: [],
    expected: 'in',
  },
  {
    name: 'a key without certificate, where an authority is known too',
    knownHosts: () => `${trusted('*', 'ca_rsa')}bastion ${key('host_ed25519')}\n`,
    expected: 'in',
  },
  {
    name: 'the key revoked',
    knownHosts: () => `${trusted()}@revoked * ${key('host_ed25519')}\n`,
    expected: /ED25519 key SHA256:\S+, which .*known_hosts:2 revokes.*do not connect/,
  },
  {
    name: 'the authority revoked',
    knownHosts: () => `${trusted()}@revoked * ${key('ca_ed25519')}\n`,
    expected: /authority ED25519 SHA256:\S+\), which .*known_hosts:2 revokes/,
  },
  {
    name: 'an authority that may not sign like this',
    knownHosts: () => trusted(),
    options: [...ALIAS, 'CASignatureAlgorithms=rsa-sha2-512'],
    expected: /signed it with ssh-ed25519, which CASignatureAlgorithms leaves out/,
  },
  { name: 'for any name', knownHosts: () => trusted(), signing: ['-h'], expected: 'in' },
  {
    name: 'for another name',
    knownHosts: () => trusted(),
    signing: ['-h', '-n', 'other,third'],
    expected:
      /'the-bastion' .*known_hosts:1, but it is for other, third, not for bastion.*HostKeyAlias=other/,
  },
  {
    name: 'expired',
    knownHosts: () => trusted(),
    signing: [...CURRENT, '-V', '20200101000000Z:20200102000000Z'],
    expected: /it expired at 2020-01-02T00:00:00Z.*new certificate/,
  },
  {
    name: 'expired, of a key that is known',
    knownHosts: () => `${trusted()}bastion ${key('host_ed25519')}\n`,
    signing: [...CURRENT, '-V', '20200101000000Z:20200102000000Z'],
    expected: 'in',
  },
  {
    name: 'expired, where another key is known',
    knownHosts: () => `${trusted()}bastion ${key('ca_ed25519')}\n`,
    signing: [...CURRENT, '-V', '20200101000000Z:20200102000000Z'],
    expected: /another one is known/,
  },
  {
    name: 'not yet valid',
    knownHosts: () => trusted(),
    signing: [...CURRENT, '-V', '20900101000000Z:20910101000000Z'],
    expected: /not valid before 2090-01-01T00:00:00Z.*clock/,
  },
  {
    name: 'for users',
    knownHosts: () => trusted(),
    signing: ['-n', 'bastion'],
    expected: /it is a certificate for users/,
  },
  {
    name: 'ecdsa by rsa',
    hostKey: 'host_ecdsa',
    authority: 'ca_rsa',
    knownHosts: () => trusted('bastion', 'ca_rsa'),
    expected: 'in',
  },
  {
    name: 'rsa by ecdsa',
    hostKey: 'host_rsa',
    authority: 'ca_ecdsa',
    knownHosts: () => trusted('bastion', 'ca_ecdsa'),
    expected: 'in',
  },
  {
    name: 'rsa with SHA-256',
    hostKey: 'host_rsa',
    authority: 'ca_ecdsa',
    knownHosts: () => trusted('bastion', 'ca_ecdsa'),
    options: [...ALIAS, 'HostKeyAlgorithms=rsa-sha2-256-cert-v01@openssh.com'],
    expected: 'in',
  },
  {
    name: 'rsa that is too small',
    hostKey: 'host_rsa',
    authority: 'ca_ecdsa',
    knownHosts: () => trusted('bastion', 'ca_ecdsa'),
    options: [...ALIAS, 'RequiredRSASize=4096'],
    expected: /RSA key SHA256:\S+ of 3072 bits, and RequiredRSASize is 4096/,
  },
  {
    name: 'by an authority with SHA-1',
    authority: 'ca_rsa',
    signing: [...CURRENT, '-t', 'ssh-rsa'],
    knownHosts: () => trusted('bastion', 'ca_rsa'),
    expected: /signed it with ssh-rsa, which CASignatureAlgorithms leaves out/,
  },
];

describe('a host certificate counts for us as it does for ssh:', () => {
  test.each(CASES)('$name', async ({ knownHosts, hostKey, authority, signing, options, expected }) => {
    await show(hostKey ?? 'host_ed25519', authority ?? 'ca_ed25519', ...(signing ?? CURRENT));
    await writeFile(sshd.knownHosts, knownHosts());
    const used = [...(options ?? ALIAS), 'StrictHostKeyChecking=yes', 'UpdateHostKeys=no'];
    const ours = await outcome(used);
    if (expected === 'in') expect(ours).toBe('in');
    else expect(ours).toMatch(expected);
    if (expected !== 'in') expect(ours).toMatch(/^ERR_HOST_KEY: /);
    expect(await outcomeOfSsh(sshd.request([userKey], ...used))).toBe(expected === 'in' ? 'in' : 'out');
  });
});

describe.each([
  ['host_ed25519', 'ssh-ed25519-cert-v01@openssh.com'],
  ['host_ecdsa', 'ecdsa-sha2-nistp256-cert-v01@openssh.com'],
  ['host_rsa', 'rsa-sha2-512-cert-v01@openssh.com'],
])('with a certificate over %s', (hostKey, algorithm) => {
  beforeEach(async () => {
    await show(hostKey, 'ca_ed25519', ...CURRENT);
    await writeFile(sshd.knownHosts, trusted());
  });

  test.each(['curve25519-sha256', 'ecdh-sha2-nistp256', 'diffie-hellman-group14-sha256'])(
    'key exchange by %s, and again and again',
    async (keyExchange) => {
      const bastion = await connect([...ALIAS, `KexAlgorithms=${keyExchange}`]);
      let handshakes = 0;
      bastion.client.on('handshake', (negotiated) => {
        handshakes += 1;
        expect(negotiated.serverHostKey).toBe(algorithm);
      });
      expect(bastion.algorithms).toMatchObject({ hostKey: algorithm, keyExchange });
      const fingerprint = (await mustRun(['ssh-keygen', '-lf', join(sshd.directory, hostKey)])).split(' ')[1];
      expect(bastion.hostKeyFingerprint).toBe(fingerprint);
      expect(await bytesFrom(bastion, 'head -c 400000 /dev/zero')).toBe(400_000);
      expect(handshakes).toBeGreaterThan(2);
      await hangUp(bastion);
    },
  );

  test('a key exchange in which the groups are exchanged too', async () => {
    // Once: Node checks the prime for every one of them, which takes seconds.
    const bastion = await connect([...ALIAS, 'KexAlgorithms=diffie-hellman-group-exchange-sha256']);
    expect(bastion.algorithms.hostKey).toBe(algorithm);
    await hangUp(bastion);
  });

  test('nobody is asked, and the key is not filed', async () => {
    expect(await outcome(ALIAS)).toBe('in');
    expect(await readFile(sshd.knownHosts, 'utf8')).toBe(trusted());
  });
});

function bytesFrom(bastion: ConnectedBastion, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    bastion.client.exec(command, (error, channel) => {
      if (error !== undefined) {
        reject(error);
        return;
      }
      let bytes = 0;
      channel.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      channel.on('close', () => resolve(bytes));
    });
  });
}

describe('a refused certificate of a key that is not known', () => {
  beforeEach(async () => {
    await show('host_ed25519', 'ca_ed25519', '-h', '-n', 'other');
    await writeFile(sshd.knownHosts, trusted());
  });

  test('is told when the user is asked about the key, which is then filed without it', async () => {
    const prompter = scriptedPrompter('yes');
    expect(await outcome([...ALIAS, 'StrictHostKeyChecking=ask', 'HashKnownHosts=no'], prompter)).toBe('in');
    expect(prompter.shown.join('\n')).toContain('Its host certificate does not count: it is for other');
    const filed = await readFile(sshd.knownHosts, 'utf8');
    expect(filed).toBe(`${trusted()}bastion ${key('host_ed25519')}\n`);
  });

  test('is not taken for a new host', async () => {
    expect(await outcome([...ALIAS, 'StrictHostKeyChecking=accept-new'])).toMatch(
      /it is for other, not for bastion/,
    );
  });
});

/** What teaches ssh2 host certificates depends on the order of its own steps: native-notes/ssh2-host-certificates.md. */
describe('the contract with ssh2', () => {
  const CERTIFICATES = { hostKey: ['ssh-ed25519-cert-v01@openssh.com'], methods: new Map() };

  test('a client that has not begun is refused', () => {
    expect(() => offerOwn(new ssh2.Client(), CERTIFICATES)).toThrow(/version of ssh2/);
  });

  test.each([
    { what: 'nothing', tamper: () => {}, ending: 'authentication' },
    {
      what: 'the signature',
      tamper: ({ _sig }: ShownByServer) => {
        _sig[_sig.length - 1] = (_sig.at(-1) ?? 0) ^ 1;
      },
      ending: 'signature verification failed',
    },
    {
      what: 'the key in the certificate',
      tamper: ({ _hostKey }: ShownByServer) => {
        // Behind the type and the nonce, each with its length, and the length of the key.
        const at = 4 + 32 + 4 + 32 + 4;
        _hostKey[at] = (_hostKey[at] ?? 0) ^ 1;
      },
      ending: 'signature verification failed',
    },
    {
      what: 'the certificate, for one that cannot be read',
      tamper: ({ _hostKey }: ShownByServer) => {
        _hostKey.writeUInt32BE(0xffff_ffff, 4 + 32);
      },
      ending: 'Wrong signature type',
    },
  ])('with $what changed under its hands, ssh2 comes to: $ending', async ({ tamper, ending }) => {
    await show('host_ed25519', 'ca_ed25519', ...CURRENT);
    const client = new ssh2.Client();
    const ended = Promise.race([once(client, 'error'), once(client, 'handshake').then(() => ['handshake'])]);
    client.connect({
      host: '127.0.0.1',
      port: sshd.port,
      username: 'nobody-in-particular',
      password: 'none',
      hostVerifier: () => {
        const exchange: unknown = Reflect.get(Reflect.get(client, '_protocol') as object, '_kex');
        tamper(exchange as ShownByServer);
        return true;
      },
    });
    offerOwn(client, CERTIFICATES);
    const [first] = (await ended) as [unknown];
    client.on('error', () => {});
    client.destroy();
    expect(messageOf(first)).toContain(ending === 'authentication' ? 'handshake' : ending);
  });
});

/** Fields of ssh2's key exchange. */
interface ShownByServer {
  readonly _hostKey: Buffer;
  readonly _sig: Buffer;
}
