import { EventEmitter } from 'node:events';
import { type FSWatcher, mkdirSync, renameSync, rmSync, watch as watchFolder } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CgroupWatch } from '../../../../src/net/machine/cgroup/cgroup-watch.ts';
import { until } from '../../../support/process/until.ts';

/** A folder stands for a control group: both are known by their inode, and inotify tells of both. */
describe('CgroupWatch', () => {
  let root = '';
  let watch: CgroupWatch | undefined;
  const changes: string[] = [];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tshuttle-cgroups-'));
    changes.length = 0;
  });

  afterEach(async () => {
    watch?.close();
    await rm(root, { recursive: true });
  });

  const events = {
    onChange: (cgroup: string, change: string) => void changes.push(`${cgroup} ${change}`),
    onRefused: (code: string | undefined) => void changes.push(code ?? 'watched again'),
  };

  const told = async (...expected: string[]): Promise<void> => {
    await until(async () => changes.length >= expected.length, { deadlineMs: 5_000, what: `${expected}` });
    expect(changes.splice(0)).toEqual(expected);
  };

  it('tells when one goes, comes, and is another by the same name', async () => {
    await mkdir(join(root, 'a/b'), { recursive: true });
    watch = new CgroupWatch(root, ['a/b'], events);
    await rmdir(join(root, 'a/b'));
    await told('a/b gone');
    await mkdir(join(root, 'a/b'));
    await told('a/b there');
    await mkdir(join(root, 'a/c'));
    await rename(join(root, 'a/c'), join(root, 'a/b'));
    await told('a/b another');
  });

  it('sees one come whose folders are not there yet, or went away meanwhile', async () => {
    watch = new CgroupWatch(root, ['x/y/z'], events);
    await mkdir(join(root, 'x/y/z'), { recursive: true });
    await told('x/y/z there');
    await rm(join(root, 'x'), { recursive: true });
    await told('x/y/z gone');
    await mkdir(join(root, 'x/y/z'), { recursive: true });
    await told('x/y/z there');
  });

  it('sees one come below a folder that is another by the same name before anybody has looked', async () => {
    await mkdir(join(root, 'a/b/c'), { recursive: true });
    watch = new CgroupWatch(root, ['a/b/c'], events);
    // All in one turn, as a service that is started again: the old one is kept, so that the new has another inode.
    renameSync(join(root, 'a/b'), join(root, 'a/old'));
    mkdirSync(join(root, 'a/b'));
    await told('a/b/c gone');
    await mkdir(join(root, 'a/b/c'));
    await told('a/b/c there');
  });

  it('sees one come while the folders above it come, one after the other', async () => {
    let comes = true;
    watch = new CgroupWatch(root, ['x/y/z'], events, (path, onEvent) => {
      // After it was looked for x, and before changes in x are told.
      if (comes && path.endsWith('/x')) {
        comes = false;
        mkdirSync(join(root, 'x/y'));
      }
      return watchFolder(path, { persistent: false }, (_event, name) => onEvent(name));
    });
    mkdirSync(join(root, 'x'));
    await until(async () => !comes, { deadlineMs: 5_000, what: 'x is watched' });
    mkdirSync(join(root, 'x/y/z'));
    await told('x/y/z there');
  });

  it('sees one come below a folder that is another with the number of the one before', async () => {
    await mkdir(join(root, 'a/b/c'), { recursive: true });
    watch = new CgroupWatch(root, ['a/b/c'], events);
    rmSync(join(root, 'a/b'), { recursive: true });
    // Most file systems give the same number again at once.
    mkdirSync(join(root, 'a/b'));
    await told('a/b/c gone');
    await mkdir(join(root, 'a/b/c'));
    await told('a/b/c there');
  });

  it.each(['ENOSPC', 'EMFILE'])(
    'tells that the system watches no folder (%s), and finds all when it is asked',
    async (code) => {
      await mkdir(join(root, 'a/b'), { recursive: true });
      let refuses = true;
      watch = new CgroupWatch(root, ['a/b', 'a/c'], events, (path, onEvent) => {
        if (refuses) throw Object.assign(new Error(`${code}: no more of them`), { code });
        return watchFolder(path, { persistent: false }, (_event, name) => onEvent(name));
      });
      expect(changes.splice(0), 'once for all folders').toEqual([code]);
      await rmdir(join(root, 'a/b'));
      await mkdir(join(root, 'a/c'));
      watch.look();
      expect(changes.splice(0)).toEqual(['a/b gone', 'a/c there']);
      refuses = false;
      watch.look();
      expect(changes.splice(0)).toEqual(['watched again']);
      await mkdir(join(root, 'a/b'));
      await told('a/b there');
    },
  );

  it('tells of a watch that the system takes away', async () => {
    const taken = new EventEmitter();
    watch = new CgroupWatch(
      root,
      ['a'],
      events,
      () => Object.assign(taken, { close: () => {} }) as FSWatcher,
    );
    taken.emit('error', Object.assign(new Error('no more events'), { code: 'EINVAL' }));
    expect(changes).toEqual(['EINVAL']);
    watch.look();
    expect(changes).toEqual(['EINVAL', 'watched again']);
  });
});
