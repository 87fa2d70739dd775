import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const NAMED = /native-notes\/[\w-]+\.md/g;

function notesNamedIn(folder: string): readonly (readonly [string, string])[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs|cjs|c|md)$/.test(entry.name))
    .filter((entry) => !entry.parentPath.startsWith(join(ROOT, 'bench/dist')))
    .map((entry) => join(entry.parentPath, entry.name))
    .flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(NAMED)].map(([note]) => [note, file] as const),
    );
}

test('every native note that the code or another note names is there', () => {
  const named = ['src', 'test', 'bench', 'native-notes'].flatMap(notesNamedIn);
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter(([note]) => !existsSync(join(ROOT, note)))).toEqual([]);
});
