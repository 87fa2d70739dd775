import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CommandResult, runCommand } from '../../support/process/child.ts';

/** What a build reads. */
const SOURCES = ['.ci', 'bin', 'src', 'package.json', 'tsconfig.json'];

describe('a build', { timeout: 60_000 }, () => {
  let clone: string;

  beforeEach(() => {
    clone = mkdtempSync(join(tmpdir(), 'tshuttle-build-'));
    for (const name of [...SOURCES, 'dist']) cpSync(name, join(clone, name), { recursive: true });
    symlinkSync(resolve('node_modules'), join(clone, 'node_modules'));
  });
  afterEach(() => rmSync(clone, { recursive: true, force: true }));

  const build = async (): Promise<CommandResult> => await runCommand(['sh', join(clone, '.ci/build')]);
  const version = async (): Promise<CommandResult> =>
    await runCommand([process.execPath, join(clone, 'bin/tshuttle'), '--version']);

  test('is whole from one moment to the next: who types a command meanwhile gets it', async () => {
    appendFileSync(join(clone, 'dist/main.js'), '\n// of the last build');
    let isOver = false;
    const building = build().finally(() => {
      isOver = true;
    });
    const meanwhile: CommandResult[] = [];
    while (!isOver) meanwhile.push(await version());
    expect(await building).toMatchObject({ code: 0, stderr: '' });
    expect(meanwhile.length).toBeGreaterThan(3);
    for (const typed of meanwhile) expect(typed).toMatchObject({ code: 0, stderr: '' });
    const main = readFileSync(join(clone, 'dist/main.js'), 'utf8');
    expect(main).not.toContain('of the last build');
    const { sources } = JSON.parse(readFileSync(join(clone, 'dist/main.js.map'), 'utf8')) as {
      readonly sources: readonly string[];
    };
    expect(sources).not.toEqual([]);
    for (const source of sources) expect(existsSync(join(clone, 'dist', source)), source).toBe(true);
    expect(readFileSync(join(clone, 'dist/man/tshuttle.1'), 'utf8')).toMatch(/^\.Dd /m);
    expect(readdirSync(clone).sort()).toEqual([...SOURCES, 'dist', 'node_modules'].sort());
  });

  test('that fails changes nothing, and says why', async () => {
    appendFileSync(join(clone, 'dist/main.js'), '\n// of the last build');
    // The last of what is built: all else is there when it fails.
    const last = join(clone, 'src/net/machine/namespace/namespace-holder.ts');
    appendFileSync(last, "import './not-there.ts';\n");
    const { code, stderr } = await build();
    expect(code).not.toBe(0);
    expect(stderr).toContain('not-there.ts');
    expect(readFileSync(join(clone, 'dist/main.js'), 'utf8')).toContain('of the last build');
    expect(await version()).toMatchObject({ code: 0 });
    expect(readdirSync(clone).sort()).toEqual([...SOURCES, 'dist', 'node_modules'].sort());
  });
});
