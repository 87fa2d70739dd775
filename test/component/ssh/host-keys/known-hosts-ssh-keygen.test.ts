import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entryNames, formatKnownHost, parseKnownHosts } from '../../../../src/ssh/host-keys/known-hosts.ts';
import { type PublicKey, parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import { mustRun, runCommand } from '../../../support/process/child.ts';

let directory: string;
const keys: PublicKey[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tshuttle-known-hosts-'));
  for (const type of ['ed25519', 'ecdsa', 'rsa']) {
    const file = join(directory, type);
    await mustRun(['ssh-keygen', '-q', '-t', type, '-N', '', '-f', file]);
    const key = parsePublicKeyLine(await mustRun(['cat', `${file}.pub`]));
    if (key === undefined) throw new Error(`cannot read the ${type} key`);
    keys.push(key);
  }
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Every name that is asked for, of each file. */
const NAMES = [
  'bastion',
  'BASTION',
  'bastion.example.com',
  '10.0.0.7',
  '10.0.1.7',
  '2001:db8::7',
  '[bastion]:2222',
  '[10.0.0.7]:2222',
  'xbastion',
  '*',
];

/** First fields, with the marker if any; the key comes behind. */
const FIRST_FIELDS = [
  'bastion',
  'Bastion',
  'bastion,10.0.0.7',
  'bastion.example.com,2001:db8::7',
  '[bastion]:2222',
  '[10.0.0.*]:2222',
  '10.0.0.*',
  '10.0.?.7,!10.0.1.*',
  '!bastion,*',
  '*,!*.example.com',
  '*bastion*',
  '?bastion',
  '@revoked bastion',
  '@cert-authority *.example.com',
  '@cert-authority *,!bastion',
  '@nonsense bastion',
  '# bastion',
  ' bastion',
  '',
];

/** The line numbers that `ssh-keygen -F` finds. */
async function linesFoundBySshKeygen(file: string, name: string): Promise<number[]> {
  const { stdout } = await runCommand(['ssh-keygen', '-F', name, '-f', file]);
  return [...stdout.matchAll(/^# Host .* found: line (\d+)/gm)].map((match) => Number(match[1]));
}

describe('our reading of known_hosts agrees with ssh-keygen -F', () => {
  test.each(NAMES)('for %s', async (name) => {
    const lines = FIRST_FIELDS.map((field, index) => {
      const key = keys[index % keys.length] as PublicKey;
      return `${field} ${key.type} ${key.blob.toString('base64')}${index % 2 === 0 ? ' a comment' : ''}`;
    });
    const hashed = keys.map((key, index) => formatKnownHost(NAMES[index * 3] ?? '', key, 'hashed').trim());
    const text = [...lines, ...hashed, 'garbage', ''].join('\n');
    const file = join(directory, `known_hosts-${NAMES.indexOf(name)}`);
    await writeFile(file, text);
    const ours = parseKnownHosts(text, file)
      .filter((entry) => entryNames(entry, name))
      .map((entry) => entry.line);
    expect(ours).toEqual(await linesFoundBySshKeygen(file, name));
  });

  test('for names that ssh-keygen -H has hashed', async () => {
    const file = join(directory, 'known_hosts-hashed');
    const key = keys[0] as PublicKey;
    await writeFile(
      file,
      NAMES.slice(0, 9)
        .map((name) => formatKnownHost(name, key, 'plain'))
        .join(''),
    );
    await mustRun(['ssh-keygen', '-H', '-f', file]);
    const text = await mustRun(['cat', file]);
    expect(text).toContain('|1|');
    const entries = parseKnownHosts(text, file);
    for (const name of NAMES) {
      const ours = entries.filter((entry) => entryNames(entry, name)).map((entry) => entry.line);
      expect(ours, name).toEqual(await linesFoundBySshKeygen(file, name));
    }
  });
});
