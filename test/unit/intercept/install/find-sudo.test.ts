import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isSudoRs } from '../../../../src/intercept/install/find-sudo.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tshuttle-sudo-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each([
  // Ubuntu 26.04, by update-alternatives, and Fedora.
  ['usr/lib/cargo/bin/sudo', true],
  ['usr/bin/sudo-rs', true],
  ['usr/bin/sudo.ws', false],
])('a link to %s is sudo-rs: %s', (path, isSo) => {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  symlinkSync(file, join(folder, 'sudo'));
  expect(isSudoRs(join(folder, 'sudo'))).toBe(isSo);
  expect(isSudoRs(join(folder, 'nowhere'))).toBe(false);
});
