import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTextFile } from '../../../../src/config/parse/files/text-file.ts';
import { readTrustedFile } from '../../../../src/config/profiles/trusted-file.ts';
import { makeFolder } from '../../../../src/core/files/folders.ts';
import { readRegularFile, replaceFile } from '../../../../src/core/files/regular-file.ts';
import { LogTail } from '../../../../src/daemon/files/log-tail.ts';
import { PidFile } from '../../../../src/daemon/files/pid-file.ts';
import { RotatingFile } from '../../../../src/daemon/files/rotating-file.ts';
import { writeUnitFile } from '../../../../src/daemon/service/unit-files.ts';
import { MappingStore } from '../../../../src/dns/zone/mapping-store.ts';
import { updateHostKeys } from '../../../../src/ssh/host-keys/host-key-updater.ts';
import {
  addKnownHost,
  readKnownHosts,
  replaceKnownHosts,
} from '../../../../src/ssh/host-keys/known-hosts-files.ts';
import { findRevocation } from '../../../../src/ssh/host-keys/revoked-keys.ts';
import { readIdentity } from '../../../../src/ssh/keys/identity-file.ts';
import { parsePublicKeyLine } from '../../../../src/ssh/keys/public-key.ts';
import { readCertificateFiles } from '../../../../src/ssh/keys/user-certificates.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { buildModule } from '../../../support/process/built-module.ts';

const KEY = parsePublicKeyLine(
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8wY4xXm1vY3mN7p0bq9iT1m4r4l5H5lPZ0Yt2H0u1k',
)!;

let folder: string;
let at: (name: string) => string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tshuttle-files-'));
  at = (name) => join(folder, name);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const policyFor = (file: string) =>
  ({
    lookupName: 'bastion',
    userFiles: [file],
    globalFiles: [],
    hashNewNames: false,
  }) as unknown as Parameters<typeof addKnownHost>[0];

const mappingStoreIn = async (store: string) => {
  const logger = recordingLogger();
  const options = { folder: store, tunnel: 'tunnel', blockCount: 1, lock: async () => () => {} };
  (await MappingStore.open(options, logger)).store.close(new Map());
  return logger;
};

describe('what is no file', () => {
  /** Each makes it under a name, and gives what undoes more than removing the folder does. */
  const KINDS: Record<string, (path: string) => Promise<() => void>> = {
    'a named pipe': async (path) => {
      execFileSync('mkfifo', [path]);
      return () => {};
    },
    'a socket': async (path) => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(path, resolve));
      return () => server.close();
    },
    'a directory': async (path) => {
      mkdirSync(path);
      return () => {};
    },
  };

  for (const [kind, make] of Object.entries(KINDS)) {
    it(`${kind} is refused at once by whatever reads a file, by name and behind a link`, async () => {
      const undo = await make(at('odd'));
      try {
        symlinkSync(at('odd'), at('link'));
        const refused = new RegExp(`it is ${kind}, not a file`);
        for (const path of [at('odd'), at('link')]) {
          expect(() => readRegularFile(path, 100)).toThrow(refused);
          expect(readTextFile(path)).toMatchObject({
            kind: 'unreadable',
            what: expect.stringMatching(refused),
          });
          expect(readTrustedFile(path)).toMatchObject({
            kind: 'unreadable',
            what: expect.stringMatching(refused),
          });
          await expect(readIdentity({ path } as never)).rejects.toThrow(refused);
          expect(() => readKnownHosts(policyFor(path))).toThrow(refused);
          const shown = { blob: KEY!.blob, key: KEY!, certificate: undefined };
          await expect(findRevocation([path], shown, new AbortController().signal)).rejects.toThrow(refused);
          const notes: string[] = [];
          readCertificateFiles({ certificateFiles: [path], identities: [] }, (note) => notes.push(note));
          expect(notes.join()).toMatch(refused);
          expect(new LogTail(path, () => {}).readLast(1)).toBe(false);
        }
      } finally {
        undo();
      }
    });

    it(`${kind} is refused at once by whatever writes a file, and stays`, async () => {
      const undo = await make(at('odd'));
      try {
        const before = statSync(at('odd'));
        const refused = new RegExp(`is ${kind}`);
        expect(() => PidFile.claim(at('odd'))).toThrow(refused);
        expect(() => new RotatingFile(at('odd'))).toThrow(refused);
        expect(() => replaceFile(at('odd'), 'text', { mode: 0o600 })).toThrow(refused);
        expect(() => writeUnitFile(at('odd'), 'text')).toThrow(refused);
        const logger = recordingLogger();
        addKnownHost(policyFor(at('odd')), KEY, logger);
        expect(logger.lines.join()).toMatch(refused);
        expect(() => replaceKnownHosts(policyFor(at('odd')), [KEY], [])).toThrow(refused);
        mkdirSync(at('store'));
        symlinkSync(at('odd'), join(at('store'), '0.json'));
        expect((await mappingStoreIn(at('store'))).lines.join()).toMatch(refused);
        expect(statSync(at('odd'))).toMatchObject({ ino: before.ino, mode: before.mode });
        expect(readdirSync(folder).sort()).toEqual(['odd', 'store']);
      } finally {
        undo();
      }
    });
  }

  it('a loop of links is refused', () => {
    symlinkSync(at('b'), at('a'));
    symlinkSync(at('a'), at('b'));
    expect(() => readRegularFile(at('a'), 100)).toThrow('ELOOP');
    expect(() => replaceFile(at('a'), 'text', { mode: 0o600 })).toThrow('ELOOP');
    expect(() => PidFile.claim(at('a'))).toThrow(/cannot write the pidfile .*ELOOP/);
    expect(() => new RotatingFile(at('a'))).toThrow('ELOOP');
  });

  it('what a shell has opened for us is read, also a pipe', async () => {
    const script = `import { readTextFile } from ${JSON.stringify(resolve(await buildModule('src/config/parse/files/text-file.ts')))}; console.log(JSON.stringify(readTextFile(process.argv[1])))`;
    const said = execFileSync(
      'bash',
      ['-c', `"$0" --input-type=module -e "$1" <(echo 10.0.0.0/8)`, process.execPath, script],
      { encoding: 'utf8' },
    );
    expect(JSON.parse(said)).toEqual({ kind: 'text', text: '10.0.0.0/8\n' });
  });
});

describe.skipIf(process.geteuid?.() !== 0)('as root, a device', () => {
  beforeEach(() => {
    // The null device, under a name of our own.
    execFileSync('mknod', [at('null'), 'c', '1', '3']);
    symlinkSync(at('null'), at('link'));
  });
  afterEach(() => {
    expect(statSync(at('null')).isCharacterDevice(), 'the device is still there').toBe(true);
  });

  it('is never replaced or moved away, by name and behind a link', async () => {
    for (const path of [at('null'), at('link')]) {
      expect(() => replaceFile(path, 'text', { mode: 0o600 })).toThrow('is a device, and is not replaced');
      expect(() => replaceKnownHosts(policyFor(path), [KEY], [])).toThrow('is a device');
      expect(() => PidFile.claim(path)).toThrow('it is a device');
      expect(() => writeUnitFile(path, 'text')).toThrow('is a device');
    }
    mkdirSync(at('store'));
    symlinkSync(at('null'), join(at('store'), '0.json'));
    expect((await mappingStoreIn(at('store'))).lines.join()).toMatch(/is a device/);
  });

  it('keeps no host keys that a bastion announces', async () => {
    const logger = recordingLogger();
    const target = {
      hostKeys: { ...policyFor(at('link')), updateKeys: 'yes' },
      algorithms: { hostKey: ['ssh-ed25519'] },
      authentication: { batchMode: true },
    } as unknown as Parameters<typeof updateHostKeys>[0];
    const context = { logger, prompter: undefined as never };
    await updateHostKeys(target, { announced: [KEY], proved: [KEY] }, context);
    expect(logger.lines).toEqual([]);
  });

  it('that is the null device has no known hosts, and takes one', () => {
    const logger = recordingLogger();
    expect(readKnownHosts(policyFor(at('link')))).toEqual([]);
    addKnownHost(policyFor(at('link')), KEY, logger);
    expect(logger.lines.join()).toContain('permanently added');
  });

  it('of another kind is refused, and never read', () => {
    execFileSync('mknod', [at('zero'), 'c', '1', '5']);
    expect(() => readRegularFile(at('zero'), 100)).toThrow('it is a device, not a file');
    expect(() => readKnownHosts(policyFor(at('zero')))).toThrow('it is a device');
  });
});

describe('a file that is replaced', () => {
  it('has the mode it should have, whatever the umask is, and a link to it stays one', () => {
    const before = process.umask(0o077);
    try {
      writeFileSync(at('file'), 'old');
      symlinkSync(at('file'), at('link'));
      replaceFile(at('link'), 'new', { mode: 0o644, keepOldAs: 'file.old' });
      writeUnitFile(join(folder, 'deep', 'er', 'x.service'), 'text');
    } finally {
      process.umask(before);
    }
    expect([readFileSync(at('link'), 'utf8'), readFileSync(at('file.old'), 'utf8')]).toEqual(['new', 'old']);
    const modes = ['file', 'deep', 'deep/er', 'deep/er/x.service'].map(
      (name) => statSync(at(name)).mode & 0o777,
    );
    expect(modes).toEqual([0o644, 0o755, 0o755, 0o644]);
    expect(readdirSync(folder).sort()).toEqual(['deep', 'file', 'file.old', 'link']);
  });

  it('is untouched when the new one does not pass', () => {
    writeFileSync(at('file'), 'old');
    chmodSync(at('file'), 0o640);
    const check = (path: string): void => {
      expect(readFileSync(path, 'utf8')).toBe('new');
      throw new Error('no');
    };
    expect(() => replaceFile(at('file'), 'new', { mode: 0o600, check })).toThrow('no');
    expect(readFileSync(at('file'), 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['file']);
  });
});

describe('a folder that cannot be made', () => {
  it('is refused at once, also where mkdir says that it is there and that it is not', () => {
    expect(() => makeFolder('/proc/x/tshuttle')).toThrow(/ENOENT/);
    symlinkSync('/proc/x', at('dangling'));
    expect(() => makeFolder(join(at('dangling'), 'tshuttle'))).toThrow();
    writeFileSync(at('file'), '');
    expect(() => makeFolder(join(at('file'), 'tshuttle'))).toThrow(/ENOTDIR/);
    expect(() => makeFolder(at('file'))).toThrow('is not a folder');
  });
});
