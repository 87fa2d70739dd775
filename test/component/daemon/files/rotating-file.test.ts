import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RotatingFile } from '../../../../src/daemon/files/rotating-file.ts';

let folder: string;
let path: string;
const open: RotatingFile[] = [];

function openLog(sizeBytes = 20, fileCount = 3): RotatingFile {
  const file = new RotatingFile(path, { sizeBytes, fileCount });
  open.push(file);
  return file;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tshuttle-log-'));
  path = join(folder, 'a.log');
});

afterEach(() => {
  for (const file of open.splice(0)) file.close();
  rmSync(folder, { recursive: true, force: true });
});

test('only its user can read it', () => {
  openLog().write('line\n');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('keeps the newest lines in a bounded number of files of a bounded size', () => {
  const log = openLog();
  for (let index = 0; index < 10; index += 1) log.write(`line ${index}..\n`);
  expect(readdirSync(folder).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2']);
  expect([path, `${path}.1`, `${path}.2`].map((file) => readFileSync(file, 'utf8'))).toEqual([
    'line 8..\nline 9..\n',
    'line 6..\nline 7..\n',
    'line 4..\nline 5..\n',
  ]);
});

test('goes on where an earlier one ended', () => {
  openLog().write('line 0..\n');
  openLog().write('line 1..\n');
  expect(readFileSync(path, 'utf8')).toBe('line 0..\nline 1..\n');
});

test('a line longer than the limit has a file of its own', () => {
  const log = openLog();
  log.write('short\n');
  log.write(`${'x'.repeat(50)}\n`);
  expect(readFileSync(path, 'utf8')).toHaveLength(51);
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('short\n');
});

test('a file that was moved away is begun anew at reopen', () => {
  const log = openLog();
  log.write('one\n');
  renameSync(path, join(folder, 'moved'));
  log.write('two\n');
  log.reopen();
  log.write('three\n');
  expect(readFileSync(join(folder, 'moved'), 'utf8')).toBe('one\ntwo\n');
  expect(readFileSync(path, 'utf8')).toBe('three\n');
});

test('does not follow a link', () => {
  symlinkSync(join(folder, 'elsewhere'), path);
  expect(() => openLog()).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
});
