import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allOpensshNeeds } from '../../../../src/ssh/config/openssh-needs.ts';
import { encodeString, encodeUint32 } from '../../../../src/ssh/keys/wire.ts';
import type { IdentityFile, OpensshNeed, ProxyRoute, SshTarget } from '../../../../src/ssh/ssh-target.ts';

let folder: string;
let fidoKey: string;
const { signal } = new AbortController();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tshuttle-needs-'));
  fidoKey = join(folder, 'id_sk');
  const type = 'sk-ssh-ed25519@openssh.com';
  const publicKey = Buffer.concat([type, Buffer.alloc(32, 7), 'ssh:'].map(encodeString));
  // PROTOCOL.key of OpenSSH; the secret part is not looked at.
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...['none', 'none', ''].map(encodeString),
    encodeUint32(1),
    encodeString(publicKey),
    encodeString(Buffer.alloc(8)),
  ]);
  const lines = [
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    file.toString('base64'),
    '-----END OPENSSH PRIVATE KEY-----',
  ];
  await writeFile(fidoKey, `${lines.join('\n')}\n`, { mode: 0o600 });
  await writeFile(`${fidoKey}.pub`, `${type} ${publicKey.toString('base64')} me\n`);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function target(
  identities: readonly IdentityFile[],
  needs: readonly OpensshNeed[] = [],
  proxy: ProxyRoute = { kind: 'none' },
): SshTarget {
  const made: Partial<SshTarget> = {
    proxy,
    authentication: { identities, agentSocket: undefined } as unknown as SshTarget['authentication'],
    openssh: { ignoredKeywords: [], notInSsh2: [], clearedForwardings: [], needs },
  };
  return made as SshTarget;
}

test('a FIDO key in a file that the user names is for ssh itself', async () => {
  const needs = await allOpensshNeeds(target([{ path: fidoKey, origin: 'named' }]), signal);
  expect(needs).toEqual([{ what: `the FIDO key ${fidoKey}`, error: undefined }]);
});

test.each<[string, () => IdentityFile]>([
  ['one that ssh would try by default', () => ({ path: fidoKey, origin: 'default' })],
  ['its public half alone, whose other is in the agent', () => ({ path: `${fidoKey}.pub`, origin: 'named' })],
  ['a file that is not there', () => ({ path: join(folder, 'none'), origin: 'named' })],
])('%s is not', async (_what, identity) => {
  expect(await allOpensshNeeds(target([identity()]), signal)).toEqual([]);
});

test('what a jump host needs counts too', async () => {
  const need = { what: 'PKCS11Provider /p11.so', error: undefined };
  const jumpHost = target([], [need]);
  expect(await allOpensshNeeds(target([], [], { kind: 'jump', jumpHost }), signal)).toEqual([need]);
});
