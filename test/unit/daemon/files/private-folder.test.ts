import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemWords } from '../../../../src/core/systems/system-words.ts';
import { makePrivateFolder } from '../../../../src/daemon/files/private-folder.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tshuttle-private-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test.each([
  { where: 'the session', runtime: '', variable: 'XDG_RUNTIME_DIR' },
  { where: 'what lasts', runtime: '/elsewhere', variable: systemWords().stateVariable },
])('a folder of $where that cannot be made: the remedy names $variable', ({ runtime, variable }) => {
  vi.stubEnv('XDG_RUNTIME_DIR', runtime === '' ? folder : runtime);
  writeFileSync(join(folder, 'tshuttle'), ''); // a file is in the way
  let remedy: unknown;
  try {
    makePrivateFolder(join(folder, 'tshuttle'));
  } catch (error) {
    ({ remedy } = error as { remedy: unknown });
  }
  expect(remedy).toMatch(new RegExp(`let ${variable} name`));
});
