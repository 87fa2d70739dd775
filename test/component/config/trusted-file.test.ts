import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrustedFile } from '../../../src/config/profiles/trusted-file.ts';

/** Neither this user nor root. */
const STRANGER = 12_345;
const isRoot = process.getuid?.() === 0;

describe('readTrustedFile', () => {
  let folder: string;
  let count = 0;

  const file = async (mode: number, owner?: { readonly uid: number; readonly gid: number }) => {
    count += 1;
    const path = join(folder, `file-${count}`);
    await writeFile(path, '\uFEFFprofiles: {}');
    await chmod(path, mode);
    if (owner !== undefined) await chown(path, owner.uid, owner.gid);
    return path;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tshuttle-trust-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('reads what only this user can write, without its byte order mark', async () => {
    expect(readTrustedFile(await file(0o644))).toEqual({ kind: 'text', text: 'profiles: {}' });
  });

  it('tells a file that is not there from one that cannot be read', () => {
    expect(readTrustedFile(join(folder, 'nothing'))).toEqual({ kind: 'missing' });
    expect(readTrustedFile(folder)).toMatchObject({ kind: 'unreadable' });
  });

  it('refuses what everybody can write', async () => {
    expect(readTrustedFile(await file(0o646))).toMatchObject({
      what: expect.stringContaining('others may write'),
    });
  });

  it.runIf(isRoot)('refuses what another group can write, or another user owns', async () => {
    const group = await file(0o664, { uid: 0, gid: STRANGER });
    expect(readTrustedFile(group)).toMatchObject({ what: expect.stringContaining('others may write') });
    expect(readTrustedFile(await file(0o664, { uid: 0, gid: 0 }))).toMatchObject({ kind: 'text' });
    const foreign = await file(0o644, { uid: STRANGER, gid: STRANGER });
    expect(readTrustedFile(foreign)).toMatchObject({ what: expect.stringContaining('another user') });
  });

  it.runIf(isRoot)('refuses a link of another user to a file of this one', async () => {
    const link = join(folder, 'link');
    await symlink(await file(0o600), link);
    expect(readTrustedFile(link)).toMatchObject({ kind: 'text' });
    await rm(link);
    await symlink(await file(0o600), link);
    execFileSync('chown', ['-h', String(STRANGER), link]);
    expect(readTrustedFile(link)).toMatchObject({ what: expect.stringContaining('another user') });
  });
});
