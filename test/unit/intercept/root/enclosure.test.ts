import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type EnclosureSurroundings,
  enclose,
  removeLeftEnclosures,
} from '../../../../src/intercept/root/cgroup/enclosure.ts';
import { thisInstanceText } from '../../../../src/intercept/root/drivers/backend/this-instance.ts';

const uids = (real: number, effective = real) =>
  `Name:\tsh\nUid:\t${real}\t${effective}\t${effective}\t${real}\n`;

/** A folder stands for cgroup2. What the kernel does in it, test/e2e/programs/run.test.ts shows. */
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tshuttle-enclosure-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const surroundings = (
  changes: Partial<EnclosureSurroundings> & { readonly status?: string; readonly cgroup?: string },
) => ({
  findMount: () => ({ path: root, folder: '' }),
  callerId: 1_000,
  instance: '1-2-3',
  readProcess: (_pid: number, file: 'status' | 'cgroup') =>
    file === 'status'
      ? (changes.status ?? uids(1_000))
      : `1:name=systemd:/x\n0::${changes.cgroup ?? '/a.slice/b.scope'}\n`,
  ...changes,
});

describe('enclose', () => {
  it('makes a control group below the one that the process is in, and moves it there', () => {
    mkdirSync(join(root, 'a.slice/b.scope'), { recursive: true });
    const { cgroup } = enclose(4_711, surroundings({}));
    expect(cgroup).toBe('a.slice/b.scope/tshuttle-1000-1-2-3');
    expect(readFileSync(join(root, cgroup, 'cgroup.procs'), 'utf8')).toBe('4711');
    expect(enclose(4_711, surroundings({ cgroup: '/' })).cgroup).toBe('tshuttle-1000-1-2-3');
  });

  it.each<[string, Parameters<typeof surroundings>[0], string]>([
    ["another user's process", { status: uids(1_001) }, 'not a process of the user'],
    ['a process that is to become root', { status: uids(1_000, 0) }, 'not a process of the user'],
    ['a process that tells nothing', { status: '' }, 'not a process of the user'],
    ['one above what can be seen from here', { cgroup: '/../other' }, 'no control group'],
    ['one that was removed', { cgroup: '/gone' }, 'can be made'],
    ['a name that stands in no rule', { cgroup: '/a b' }, 'no rule can have'],
    ['a machine without cgroup2', { findMount: () => undefined }, 'not mounted'],
    [
      'no process at all',
      {
        readProcess: () => {
          throw new Error('ENOENT');
        },
      },
      'no such process',
    ],
  ])('refuses %s', (_what, changes, reason) => {
    expect(() => enclose(4_711, surroundings(changes))).toThrow(reason);
  });

  it("gives back a process that took the number of the caller's meanwhile, to the root", () => {
    mkdirSync(join(root, 'a'));
    const owners = [1_000, 0];
    const readProcess = (_pid: number, file: 'status' | 'cgroup') =>
      file === 'status' ? uids(owners.shift()!) : '0::/a\n';
    // Here a folder with a file in it stays; the kernel's go.
    const told = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(() => enclose(4_711, surroundings({ readProcess }))).toThrow('not a process of the user');
    expect(told.mock.calls.join()).toContain('stays until tshuttle cleanup');
    told.mockRestore();
    expect(readFileSync(join(root, 'cgroup.procs'), 'utf8')).toBe('4711');
    expect(existsSync(join(root, 'a/cgroup.procs'))).toBe(false);
  });

  it('lets root choose whichever', () => {
    expect(enclose(1, surroundings({ callerId: 0, cgroup: '/', status: uids(33) })).cgroup).toBe(
      'tshuttle-0-1-2-3',
    );
  });
});

describe('Enclosure.remove', () => {
  it('is content when somebody else has removed it', () => {
    const enclosure = enclose(4_711, surroundings({ cgroup: '/' }));
    rmSync(join(root, enclosure.cgroup), { recursive: true });
    enclosure.remove();
    expect(existsSync(join(root, enclosure.cgroup))).toBe(false);
  });
});

const foldersOf = (path: string): readonly string[] =>
  readdirSync(path, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []));

describe('removeLeftEnclosures', () => {
  const [pid, , namespace] = thisInstanceText().split('-');
  const dead = `${pid}-1-${namespace}`;
  const search = () => removeLeftEnclosures(() => ({ path: root, folder: '' }));

  it('removes those of dead instances that are empty, wherever they are, and no others', () => {
    const folders = {
      dead: `a/b/tshuttle-1000-${dead}`,
      used: `tshuttle-0-${dead}`,
      alive: `a/tshuttle-1000-${thisInstanceText()}`,
      elsewhere: 'tshuttle-1000-1-1-1',
      other: 'tshuttle-x',
    };
    for (const folder of Object.values(folders)) mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folders.used, 'process'), '');
    expect(search()).toEqual({
      removed: [`control group ${join(root, folders.dead)}`],
      kept: [`control group ${join(root, folders.used)}`],
    });
    const left = Object.entries(folders).filter(([, folder]) => existsSync(join(root, folder)));
    expect(left.map(([name]) => name)).toEqual(['used', 'alive', 'elsewhere', 'other']);
    expect(removeLeftEnclosures(() => undefined)).toEqual({ removed: [], kept: [] });
  });

  it('removes one that is in another', () => {
    const outer = join(root, `tshuttle-0-${dead}`);
    const inner = join(outer, `tshuttle-1000-${dead}`);
    mkdirSync(inner, { recursive: true });
    expect(search()).toEqual({ removed: [`control group ${inner}`, `control group ${outer}`], kept: [] });
  });

  it.runIf(process.geteuid?.() === 0)("leaves alone, and does not tell of, users' own by such a name", () => {
    const path = join(root, `tshuttle-1000-${dead}`);
    mkdirSync(path);
    chownSync(path, 1_000, 1_000);
    expect(search()).toEqual({ removed: [], kept: [] });
    expect(existsSync(path)).toBe(true);
  });

  it('lists the files of those groups alone that have others below them', () => {
    for (const name of ['a', 'b/c/d', 'b/e']) mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, 'a/cgroup.procs'), '');
    const listed: string[] = [];
    const list = (path: string): readonly string[] => {
      listed.push(path.slice(root.length));
      return readdirSync(path, { withFileTypes: true }).flatMap((one) =>
        one.isDirectory() ? [one.name] : [],
      );
    };
    // Not every file system counts as cgroup2 does.
    const counts = lstatSync(join(root, 'a')).nlink === 2;
    expect(removeLeftEnclosures(() => ({ path: root, folder: '' }), list)).toEqual({ removed: [], kept: [] });
    expect(listed).toEqual(counts ? ['', '/b', '/b/c'] : ['', '/a', '/b', '/b/c', '/b/e', '/b/c/d']);
  });

  it('looks at none of the groups of one that has, as the kernel counts them, no others below those', () => {
    const [pid, , namespace] = thisInstanceText().split('-');
    const dead = `tshuttle-1000-${pid}-1-${namespace}`;
    for (const name of ['flat/a', `flat/${dead}`, `deep/b/${dead}`, 'flat/a/has-come-since'])
      mkdirSync(join(root, name), { recursive: true });
    // The root of cgroup2 counts, too. What is made in between is of nobody who has died.
    for (const [name, count] of [
      ['', 6],
      ['flat', 2],
      ['deep', 2],
    ] as const)
      writeFileSync(join(root, name, 'cgroup.stat'), `nr_descendants ${count}\nnr_dying_descendants 9\n`);
    const listed: string[] = [];
    const report = removeLeftEnclosures(
      () => ({ path: root, folder: '' }),
      (path) => {
        listed.push(path.slice(root.length));
        return foldersOf(path);
      },
    );
    expect(listed.toSorted()).toEqual(['', '/deep', '/deep/b', '/flat']);
    expect(report.removed.toSorted()).toEqual(
      [`deep/b/${dead}`, `flat/${dead}`].map((name) => `control group ${join(root, name)}`),
    );
  });
});
