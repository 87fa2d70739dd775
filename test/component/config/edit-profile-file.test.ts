import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  editProfileFile,
  type FileEdit,
  replaceProfileFile,
} from '../../../src/config/profiles/edit-profile-file.ts';
import { buildModule } from '../../support/process/built-module.ts';
import { Child } from '../../support/process/child.ts';

const MODULE = resolve(await buildModule('src/net/machine/locked-file.ts'));
const SIMULATION = resolve('test/support/platform/simulate.cjs');

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tshuttle-edit-'));
  file = join(folder, 'config.yaml');
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const addGate = (name: string): Promise<FileEdit> =>
  editProfileFile(file, () => ({ section: 'gates', name, values: { remote: `me@${name}` } }));

/** A process that has the file, and when it is told to writes a text there and is killed. */
async function otherProcess(koffi: string, text: string): Promise<Child> {
  const script = `
    import { takeFile } from ${JSON.stringify(MODULE)};
    import { writeFileSync } from 'node:fs';
    console.log(takeFile(${JSON.stringify(join(folder, '.config.yaml.lock'))}) === undefined ? 'refused' : 'taken');
    process.stdin.once('data', () => {
      writeFileSync(${JSON.stringify(file)}, ${JSON.stringify(text)}, { mode: 0o600 });
      process.kill(process.pid, 'SIGKILL');
    });`;
  const child = new Child([process.execPath, '--input-type=module', '-e', script], {
    interactive: true,
    env: {
      ...(process.env as Record<string, string>),
      NODE_OPTIONS: `--require=${SIMULATION}`,
      TSHUTTLE_TEST_KOFFI: koffi,
    },
  });
  await child.untilOutput(/^taken$/m);
  return child;
}

test.each(['present', 'absent'])(
  'an edit waits for that of another process, koffi %s there, sees what it has written, and is not kept by its death',
  async (koffi) => {
    const other = await otherProcess(koffi, 'gates: {one: {remote: me@one}}\n');
    const edit = addGate('two');
    other.write('\n');
    expect(await edit).toEqual({ kind: 'changed' });
    expect((await other.exited).signal).toBe('SIGKILL');
    expect(await readFile(file, 'utf8')).toBe(
      'gates: { one: { remote: me@one }, two: { remote: me@two } }\n',
    );
    // Windows removes no file that is open like this one.
    const left = process.platform === 'win32' ? ['.config.yaml.lock', 'config.yaml'] : ['config.yaml'];
    expect(await readdir(folder)).toEqual(left);
  },
);

test('an edit that another one keeps says so in the end, and changes nothing', async () => {
  const other = await otherProcess('present', '');
  try {
    vi.spyOn(performance, 'now').mockReturnValueOnce(0).mockReturnValueOnce(0).mockReturnValue(5_000);
    await expect(addGate('two')).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: `cannot write ${file}: another tshuttle is writing it`,
      remedy: expect.stringContaining(`has ${join(folder, '.config.yaml.lock')} open`),
    });
    expect(await readdir(folder)).toEqual(['.config.yaml.lock']);
  } finally {
    other.kill('SIGKILL');
    await other.exited;
  }
});

test('where there is nothing to lock, the file is named with the reason', async () => {
  await symlink(join(folder, 'nowhere'), join(folder, '.config.yaml.lock'));
  const refused = { code: 'ERR_CONFIG', message: expect.stringContaining(`cannot write ${file}: ELOOP`) };
  await expect(addGate('two')).rejects.toMatchObject(refused);
  await expect(replaceProfileFile(file, undefined, 'profiles: {}\n')).rejects.toMatchObject(refused);
});

test('a text takes the place of what its writer has seen alone', async () => {
  await writeFile(file, 'profiles: {}\n', { mode: 0o600 });
  expect(await replaceProfileFile(file, undefined, 'gates: {}\n')).toEqual([
    { where: file, what: expect.stringContaining('was changed by somebody else') },
  ]);
  expect(await replaceProfileFile(file, 'profiles: {}\n', 'gates: {}\n')).toEqual([]);
  expect(await readFile(file, 'utf8')).toBe('gates: {}\n');
});

test("the file is its user's alone when it is new, and keeps its mode after that", async () => {
  await addGate('one');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await chmod(file, 0o640);
  await addGate('two');
  expect((await stat(file)).mode & 0o777).toBe(0o640);
});
