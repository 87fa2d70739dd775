import { chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isForeignToRoot, isOwnFolder, makeFolder } from '../../../../src/core/files/folders.ts';
import { writeUnitFile } from '../../../../src/daemon/service/unit-files.ts';
import { MappingStore } from '../../../../src/dns/zone/mapping-store.ts';
import {
  addKnownHost,
  readKnownHosts,
  replaceKnownHosts,
} from '../../../../src/ssh/host-keys/known-hosts-files.ts';
import { parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

const ALICE = 12_345;
const BLOB = 'AAAAC3NzaC1lZDI1NTE5AAAAIJ8wY4xXm1vY3mN7p0bq9iT1m4r4l5H5lPZ0Yt2H0u1k';

describe.skipIf(process.geteuid?.() !== 0)('root in the home of somebody else', () => {
  let home: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'tshuttle-home-'));
    await chown(home, ALICE, ALICE);
  });
  afterEach(async () => {
    await rm(home, { recursive: true });
  });

  it('makes no folder there, however deep, and knows its own', async () => {
    expect(() => makeFolder(join(home, '.local', 'state'))).toThrow('root makes nothing below a folder');
    expect(isForeignToRoot(join(home, 'a', 'b'))).toBe(true);
    expect([isOwnFolder(home), isOwnFolder(join(home, 'missing')), isOwnFolder(tmpdir())]).toEqual([
      false,
      false,
      true,
    ]);
    expect(isForeignToRoot(join(tmpdir(), 'tshuttle', 'x'))).toBe(false);
    expect(await readdir(home)).toEqual([]);
  });

  it('keeps no synthetic addresses and installs no service there', async () => {
    const logger = recordingLogger();
    const folder = join(home, 'state', 'synthetic-addresses');
    const options = { folder, tunnel: 'tunnel', blockCount: 1, lock: async () => () => {} };
    const { store } = await MappingStore.open(options, logger);
    store.close(new Map([[0, () => [{ name: 'db.internal.example', offset: 1 }]]]));
    const unit = join(home, '.config', 'systemd', 'user', 'tshuttle.service');
    expect(() => writeUnitFile(unit, '')).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', remedy: expect.stringContaining('without sudo') }),
    );
    expect(await readdir(home)).toEqual([]);
  });

  it("makes no known_hosts there, and one that is there stays its owner's", async () => {
    const logger = recordingLogger();
    const key = parsePublicKeyLine(`ssh-ed25519 ${BLOB}`)!;
    const file = join(home, '.ssh', 'known_hosts');
    const policy = {
      lookupName: 'bastion',
      userFiles: [file],
      globalFiles: [],
      hashNewNames: false,
    } as unknown as Parameters<typeof addKnownHost>[0];
    addKnownHost(policy, key, logger);
    await mkdir(join(home, '.ssh'));
    await chown(join(home, '.ssh'), ALICE, ALICE);
    addKnownHost(policy, key, logger);
    expect(await readdir(join(home, '.ssh'))).toEqual([]);
    expect(logger.lines.join('\n')).toMatch(/cannot add the host key .*root makes/);

    await writeFile(file, `bastion ssh-ed25519 ${BLOB}\n`);
    await chown(file, ALICE, ALICE);
    replaceKnownHosts(policy, [], readKnownHosts(policy));
    expect((await stat(file)).uid).toBe(ALICE);
    expect(await readFile(file, 'utf8')).toBe('');
  });
});
