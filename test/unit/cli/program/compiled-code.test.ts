import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compiledCodeFolder, prepareFolder } from '../../../../src/cli/program/compiled-code.ts';

const ALICE = {
  platform: 'linux',
  isRoot: false,
  environment: {},
  home: '/home/alice',
} as const;

describe('where compiled code lies', () => {
  it('is where each system has caches', () => {
    expect(compiledCodeFolder(ALICE)).toBe('/home/alice/.cache/tshuttle/compiled');
    expect(
      compiledCodeFolder({
        ...ALICE,
        environment: { XDG_CACHE_HOME: '/var/alice' },
      }),
    ).toBe('/var/alice/tshuttle/compiled');
    expect(
      compiledCodeFolder({
        ...ALICE,
        environment: { XDG_CACHE_HOME: 'cache' },
      }),
    ).toBe('/home/alice/.cache/tshuttle/compiled');
    expect(compiledCodeFolder({ ...ALICE, platform: 'darwin' })).toBe(
      '/home/alice/Library/Caches/tshuttle/compiled',
    );
  });

  it("is root's own, whatever sudo has left in the environment", () => {
    const root = {
      ...ALICE,
      isRoot: true,
      home: '/root',
      environment: { XDG_CACHE_HOME: '/home/alice/.cache' },
    };
    expect(compiledCodeFolder(root)).toBe('/root/.cache/tshuttle/compiled');
  });
});

describe('the folder of compiled code', () => {
  let all: string;

  beforeEach(() => {
    all = join(mkdtempSync(join(tmpdir(), 'tshuttle-compiled-')), 'compiled');
  });
  afterEach(() => rmSync(join(all, '..'), { recursive: true }));

  it('is made for its user alone, and there is one version', () => {
    mkdirSync(join(all, '0.0.9'), { recursive: true });
    writeFileSync(join(all, '0.0.9', 'code'), '');
    expect(prepareFolder(all, '0.1.0')).toBe(join(all, '0.1.0'));
    expect(existsSync(join(all, '0.0.9'))).toBe(false);
    expect(statSync(join(all, '0.1.0')).mode & 0o777).toBe(0o700);
    writeFileSync(join(all, '0.1.0', 'code'), '');
    expect(prepareFolder(all, '0.1.0')).toBe(join(all, '0.1.0'));
    expect(existsSync(join(all, '0.1.0', 'code'))).toBe(true);
  });

  it('is none where it cannot be made', () => {
    writeFileSync(join(all, '..', 'file'), '');
    symlinkSync(join(all, '..', 'file'), all);
    expect(prepareFolder(join(all, 'below'), '0.1.0')).toBeUndefined();
  });

  it.runIf(process.geteuid?.() === 0)('is none for root below a folder of somebody else', () => {
    mkdirSync(all);
    chownSync(all, 1000, 1000);
    mkdirSync(join(all, '0.1.0'));
    chownSync(join(all, '0.1.0'), 1000, 1000);
    expect(prepareFolder(all, '0.1.0')).toBeUndefined();
    expect(existsSync(join(all, '0.1.0'))).toBe(true);
  });
});
