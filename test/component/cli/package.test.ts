import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { renderTopic } from '../../../src/cli/help/render-text.ts';
import { topicsOn } from '../../../src/cli/help/topics.ts';

/*
 * The package as a stranger meets it: without the development packages, without npm's scripts, on the oldest Node.js.
 */

interface Manifest {
  readonly man: unknown;
  readonly repository: { readonly url: string };
  readonly bugs: string;
  readonly homepage: string;
  readonly engines: { readonly node: string };
  readonly files: readonly string[];
  readonly scripts: { readonly prepare: string };
  readonly dependencies: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly dev?: boolean;
        readonly devOptional?: boolean;
        readonly os?: readonly string[];
        readonly cpu?: readonly string[];
        readonly engines?: { readonly node?: string };
      }
    >
  >;
}

/** native-notes/package-size.md has what it is made of, and what was asked. */
const MAX_TARBALL_BYTES = 490_000;
const MAX_PACKAGES = 60;

const isForHere = (names: readonly string[] | undefined, here: string): boolean =>
  names?.includes(here) ?? true;

const read = (name: string): unknown => JSON.parse(readFileSync(name, 'utf8'));
const MANIFEST = read('package.json') as Manifest;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tshuttle-package-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a tshuttle that is not built', () => {
  const LINE =
    /^tshuttle: it is not built, or not all of it is installed -> cd \S+ && npm ci --include=dev && npm run build\n$/;

  const copyUnbuilt = (): void => {
    cpSync('bin', join(folder, 'bin'), { recursive: true });
    cpSync('package.json', join(folder, 'package.json'));
  };

  test('says the one line that helps, and nothing else', () => {
    copyUnbuilt();
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(folder, 'bin', 'tshuttle'), '--version'],
      {
        encoding: 'utf8',
      },
    );
    expect({ status, stdout }).toEqual({ status: 78, stdout: '' });
    expect(stderr).toMatch(LINE);
  });

  test('is what npm ci leaves without the development packages, and it says so, too', () => {
    copyUnbuilt();
    mkdirSync(join(folder, 'node_modules'));
    const { status, stderr } = spawnSync('sh', ['-c', MANIFEST.scripts.prepare], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stderr).toMatch(LINE);
  });
});

describe('the package', () => {
  test('has its man page installed by npm: that wants a list', () => {
    expect(MANIFEST.man).toEqual(['./dist/man/tshuttle.1']);
    expect(MANIFEST.files).toContain('dist');
  });

  test('has a man page of the day of the last commit, so that the same commit makes the same package', () => {
    expect(readFileSync('.ci/build', 'utf8')).toMatch(
      /SOURCE_DATE_EPOCH:-\$\(git log -1 --format=%ct [\s\S]* node \S+ man >/,
    );
    const man = (epoch: string) =>
      spawnSync(process.execPath, ['bin/tshuttle', 'man'], {
        encoding: 'utf8',
        env: { ...process.env, SOURCE_DATE_EPOCH: epoch },
      });
    expect(man('1700000000').stdout).toMatch(/^\.Dd 2023-11-14\n/);
    // Elsewhere than in a clone there is no last commit.
    expect(man('').stdout).toMatch(/^\.Dd 20\d\d-/);
    for (const wrong of ['yesterday', '-1', '1e9', '9'.repeat(12)])
      expect(man(wrong)).toMatchObject({
        status: 64,
        stdout: '',
        stderr: expect.stringMatching(/^tshuttle: SOURCE_DATE_EPOCH: is not a number of seconds/),
      });
  });

  test('is small, and has no source map, which would be half of it and name sources that are not in it', () => {
    const { status, stdout, stderr } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      encoding: 'utf8',
      // npm is that of this machine, wherever the tests take themselves to be.
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect(status, stderr).toBe(0);
    const [{ files, size }] = JSON.parse(stdout) as [
      { readonly files: ReadonlyArray<{ readonly path: string }>; readonly size: number },
    ];
    expect(size, 'bytes of the tarball').toBeLessThan(MAX_TARBALL_BYTES);
    const paths = files.map(({ path }) => path);
    expect(paths).toContain('dist/main.js');
    expect(paths).toContain('dist/man/tshuttle.1');
    expect(paths.filter((path) => path.endsWith('.map') || path.startsWith('dist/test/'))).toEqual([]);
  });

  test('is installed by npm with its man page, runs with nothing but what is in it, and leaves nothing when it is removed', () => {
    const environment = {
      ...process.env,
      ...{ HOME: folder, npm_config_cache: join(folder, 'cache'), npm_config_prefix: join(folder, 'prefix') },
      PATH: `${join(folder, 'prefix', 'bin')}:${process.env['PATH']}`,
    };
    const run = (command: string): string => {
      const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
        encoding: 'utf8',
        env: environment,
      });
      expect(status, `${command}: ${stdout}${stderr}`).toBe(0);
      return stdout;
    };
    run(
      `npm pack --silent --ignore-scripts --pack-destination ${folder} && tar -xf ${folder}/*.tgz -C ${folder}`,
    );
    // What it depends on, without the network; .ci/readme-as-newcomer installs that, too.
    symlinkSync(resolve('node_modules'), join(folder, 'package', 'node_modules'));
    // npm would build what it links to, as in a clone.
    run(`npm install -g --silent --offline --ignore-scripts --no-audit --no-fund ${folder}/package`);
    expect(run('tshuttle --version')).toMatch(/^tshuttle \d+\.\d+\.\d+\n$/);
    const page = readFileSync(join(folder, 'prefix', 'share', 'man', 'man1', 'tshuttle.1'), 'utf8');
    // Of the day of the last commit when it was built, whatever day it is now.
    const day = /^\.Dd (\d{4}-\d{2}-\d{2})$/m.exec(page)?.[1] ?? '';
    expect(page).toBe(run(`SOURCE_DATE_EPOCH=${Date.parse(day) / 1000} tshuttle man`));
    expect(run('tshuttle completion bash')).toContain('complete ');
    expect(run('tshuttle sudoers --user alice')).toMatch(/^alice ALL=\(root\) NOPASSWD: \/\S+ ""$/m);
    run('npm uninstall -g --silent --offline tshuttle');
    const left = readdirSync(join(folder, 'prefix'), { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => name.includes('tshuttle'))).toEqual([]);
  }, 60_000);

  test('brings few packages: each is somebody who can break it, or into it', () => {
    const { packages } = read('package-lock.json') as Lock;
    const brought = Object.entries(packages).filter(
      ([name, { dev, devOptional, os, cpu }]) =>
        name !== '' &&
        !dev &&
        !devOptional &&
        isForHere(os, process.platform) &&
        isForHere(cpu, process.arch),
    );
    expect(brought.length).toBeGreaterThan(15);
    expect(brought.length, brought.map(([name]) => name).join(', ')).toBeLessThanOrEqual(MAX_PACKAGES);
  });

  test('says where it is from, or that its publisher has to', () => {
    const { repository, bugs, homepage } = MANIFEST;
    for (const address of [repository.url, bugs, homepage])
      expect(address).toMatch(/^(?:git\+)?https:\/\/\S+$/);
    const isPlaceholder = [repository.url, bugs, homepage].map((address) =>
      address.includes('//example.com/'),
    );
    expect(new Set(isPlaceholder).size).toBe(1);
    if (isPlaceholder[0]) {
      const page = topicsOn('linux').find(({ name }) => name === 'install')!;
      expect(renderTopic(page).replaceAll(/\s+/g, ' ')).toContain(
        'repository, bugs and homepage in package.json',
      );
    }
  });

  test('names only what is there as what is in it', () => {
    const isThere = (named: string): boolean => {
      const pattern = new RegExp(`^${basename(named).replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
      return readdirSync(dirname(named)).some((name) => pattern.test(name));
    };
    const included = MANIFEST.files.filter((name) => !name.startsWith('!'));
    expect(included.filter((name) => !isThere(name))).toEqual([]);
  });

  test('needs nothing that the oldest Node.js of its own is too old for', () => {
    const oldest = versionOf(MANIFEST.engines.node.replace('>=', ''));
    const { packages } = read('package-lock.json') as Lock;
    const tooNew = Object.entries(packages).filter(
      ([name, { dev, engines }]) => name !== '' && dev !== true && !accepts(engines?.node ?? '*', oldest),
    );
    expect(tooNew.map(([name, { engines }]) => `${name}: ${engines?.node}`)).toEqual([]);
    // Of pino-pretty, as ^5.0.3: without our lock file that is 5.1.0, which wants Node.js 22.
    expect(MANIFEST.dependencies['strip-json-comments']).toBe('5.0.3');
  });
});

function versionOf(text: string): readonly [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return [major, minor, patch];
}

/** As npm has it, of the forms that occur: `>=20`, `^20.9.0 || >=21.1`, `>= 14 <21`, `18 || 20`. */
function accepts(range: string, version: readonly [number, number, number]): boolean {
  return range.split('||').some((all) =>
    [...all.matchAll(/([<>=^~]*)\s*v?(\d[\d.x]*|\*)/g)].every(([, comparator = '', text = '']) => {
      if (text === '*') return true;
      const wanted = versionOf(text);
      const order = version[0] - wanted[0] || version[1] - wanted[1] || version[2] - wanted[2];
      if (comparator === '>=') return order >= 0;
      if (comparator === '>') return order > 0;
      if (comparator === '<') return order < 0;
      if (comparator === '<=') return order <= 0;
      return version[0] === wanted[0] && order >= 0;
    }),
  );
}
