import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findRevocation } from '../../../../src/ssh/host-keys/revoked-keys.ts';
import { parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import { outcomeOf, outcomeOfSsh } from '../../../support/in-process/bastion-outcome.ts';
import { type RecordingLogger, recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { mustRun } from '../../../support/process/child.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../support/servers/loopback-sshd.ts';

let sshd: LoopbackSshd;
let userKey: string;
let logger: RecordingLogger;

/** A server whose key is known, alone and in a certificate with serial 5 of a known authority. */
beforeAll(async () => {
  sshd = await startLoopbackSshd();
  userKey = await sshd.makeKey('user_key');
  await sshd.authorize(userKey);
  await sshd.makeKey('ca');
  await sshd.makeKey('other');
  await mustRun([
    'ssh-keygen',
    '-q',
    '-s',
    at('ca'),
    '-I',
    'the-bastion',
    '-h',
    '-z',
    '5',
    at('host_key.pub'),
  ]);
  await sshd.reconfigure(`HostCertificate ${at('host_key-cert.pub')}`);
});

afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

beforeEach(() => {
  logger = recordingLogger();
});

const at = (name: string): string => join(sshd.directory, name);
const lineOf = async (name: string): Promise<string> => await readFile(at(`${name}.pub`), 'utf8');

/** Makes a revocation list of lines as in ssh-keygen(1), KEY REVOCATION LISTS. */
async function makeList(name: string, ...lines: string[]): Promise<string> {
  await writeFile(at(`${name}.spec`), `${lines.join('\n')}\n`);
  await mustRun(['ssh-keygen', '-q', '-k', '-f', at(name), '-s', at('ca.pub'), at(`${name}.spec`)]);
  return at(name);
}

interface Case {
  readonly name: string;
  readonly file: () => Promise<string>;
  readonly shown?: 'key' | 'certificate';
  readonly options?: readonly string[];
  readonly expected: 'in' | RegExp;
}

async function textFile(...lines: string[]): Promise<string> {
  await writeFile(at('revoked'), lines.join('\n'));
  return at('revoked');
}

const REVOKED = /^ERR_HOST_KEY: .*ED25519 key SHA256:.*which .* revokes \(ask who runs the bastion/;
const UNREADABLE = /^ERR_HOST_KEY: cannot read the revoked host keys .*-o RevokedHostKeys=none/;

const CASES: readonly Case[] = [
  {
    name: 'the key in text',
    file: async () => textFile('# gone', '', await lineOf('host_key')),
    expected: REVOKED,
  },
  { name: 'another key in text', file: async () => textFile(await lineOf('other')), expected: 'in' },
  { name: 'an empty file', file: () => textFile(''), expected: 'in' },
  { name: 'text that is no key', file: async () => textFile('ssh-ed25519 nonsense'), expected: UNREADABLE },
  {
    name: 'a certificate in text',
    file: async () => textFile(await lineOf('host_key-cert')),
    expected: REVOKED,
  },
  { name: 'a file that is not there', file: async () => at('missing'), expected: UNREADABLE },
  {
    name: 'the key in a list',
    file: async () => makeList('by-key', `key: ${await lineOf('host_key')}`),
    expected: REVOKED,
  },
  {
    name: 'the key by SHA-1',
    file: async () => makeList('by-sha1', `sha1: ${await lineOf('host_key')}`),
    expected: REVOKED,
  },
  {
    name: 'the key by SHA-256',
    file: async () => makeList('by-sha256', `sha256: ${await lineOf('host_key')}`),
    expected: REVOKED,
  },
  {
    name: 'another key in a list',
    file: async () => makeList('by-other', `key: ${await lineOf('other')}`),
    expected: 'in',
  },
  {
    // ssh would ask for the certificate, as it would without an authority.
    name: 'the serial, of a key without certificate',
    options: ['HostKeyAlgorithms=ssh-ed25519'],
    file: () => makeList('by-serial', 'serial: 5'),
    expected: 'in',
  },
  {
    name: 'the serial',
    shown: 'certificate',
    file: () => makeList('by-serial', 'serial: 5'),
    expected: REVOKED,
  },
  {
    name: 'another serial',
    shown: 'certificate',
    file: () => makeList('by-6', 'serial: 6-99'),
    expected: 'in',
  },
  {
    name: 'the key ID',
    shown: 'certificate',
    file: () => makeList('by-id', 'id: the-bastion'),
    expected: REVOKED,
  },
  {
    name: 'the authority in text',
    shown: 'certificate',
    file: async () => textFile(await lineOf('ca')),
    expected: REVOKED,
  },
  {
    name: 'the authority in a list',
    shown: 'certificate',
    file: async () => makeList('by-ca', `sha256: ${await lineOf('ca')}`),
    expected: REVOKED,
  },
  {
    name: 'a list that is cut off',
    file: async () => {
      const data = await readFile(await makeList('whole', `key: ${await lineOf('host_key')}`));
      await writeFile(at('cut'), data.subarray(0, -1));
      return at('cut');
    },
    expected: UNREADABLE,
  },
];

describe('RevokedHostKeys means to us what it means to ssh:', () => {
  test.each(CASES)('$name', async ({ file, shown, options = [], expected }) => {
    const isCertificate = shown === 'certificate';
    const key = await lineOf(isCertificate ? 'ca' : 'host_key');
    await writeFile(sshd.knownHosts, `${isCertificate ? '@cert-authority ' : ''}* ${key}`);
    const request = sshd.request(
      [userKey],
      `RevokedHostKeys=${await file()}`,
      'StrictHostKeyChecking=yes',
      'UpdateHostKeys=no',
      ...options,
    );
    const ours = await outcomeOf(request, { logger });
    if (expected === 'in') expect(ours).toBe('in');
    else expect(ours).toMatch(expected);
    expect(await outcomeOfSsh(request)).toBe(expected === 'in' ? 'in' : 'out');
  });
});

describe('a revocation list', () => {
  const never = new AbortController().signal;
  const shownKey = async (name: string) => {
    const key = parsePublicKeyLine(await lineOf(name));
    if (key === undefined) throw new Error(`${name} is no key`);
    return { blob: key.blob, key, certificate: undefined };
  };

  test('cannot be read without ssh-keygen: no key is accepted, and the remedy is told', async () => {
    const list = await makeList('absent', await lineOf('other'));
    const shown = await shownKey('host_key');
    const { PATH } = process.env;
    process.env['PATH'] = at('no-such-folder');
    try {
      await expect(findRevocation([list], shown, never)).rejects.toMatchObject({
        code: 'ERR_HOST_KEY',
        message: expect.stringContaining(`${list}: there is no ssh-keygen`),
        remedy: 'install the OpenSSH client, or set -o RevokedHostKeys=none',
      });
    } finally {
      process.env['PATH'] = PATH;
    }
  });

  test('is not asked any more when the connecting is cancelled', async () => {
    const list = await makeList('cancelled', await lineOf('other'));
    const cancelled = AbortSignal.abort(new Error('enough'));
    await expect(findRevocation([list], await shownKey('host_key'), cancelled)).rejects.toThrow('enough');
  });

  test('accepts nothing by a program that ends well and says nothing', async () => {
    const list = await makeList('mute', await lineOf('other'));
    const folder = at('mute-programs');
    await mkdir(folder);
    await symlink('/bin/true', join(folder, 'ssh-keygen'));
    const shown = await shownKey('host_key');
    const { PATH } = process.env;
    process.env['PATH'] = folder;
    try {
      await expect(findRevocation([list], shown, never)).rejects.toMatchObject({ code: 'ERR_HOST_KEY' });
    } finally {
      process.env['PATH'] = PATH;
    }
  });

  test('leaves no file behind', async () => {
    const before = new Set(await readdir(tmpdir()));
    const list = await makeList('tidy', await lineOf('other'));
    expect(await findRevocation([list], await shownKey('host_key'), never)).toBeUndefined();
    expect(await findRevocation([list], await shownKey('other'), never)).toBe(list);
    const left = (await readdir(tmpdir())).filter((name) => !before.has(name));
    for (const name of left) expect(existsSync(join(tmpdir(), name, 'host-key.pub'))).toBe(false);
  });
});
