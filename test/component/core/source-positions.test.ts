import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { withSourcePositions } from '../../../src/core/source-positions.ts';

const FILE = resolve('dist/version.js');

/** A stack trace that names where that text stands in the built file. */
function stackAt(text: string): string {
  const lines = readFileSync(FILE, 'utf8').split('\n');
  const index = lines.findIndex((line) => line.includes(text));
  const column = lines[index]!.indexOf(text);
  return `Error: odd /etc/hosts:1:2\n    at readVersion (file://${FILE}:${index + 1}:${column + 1})\n    at node:internal/x:1:2`;
}

it('a place in a bundle is told as that in the source, and all else as it is', () => {
  const told = withSourcePositions(stackAt('JSON.parse'));
  const [first, second = '', third] = told.split('\n');
  expect([first, third]).toEqual(['Error: odd /etc/hosts:1:2', '    at node:internal/x:1:2']);
  const [, source = '', line] =
    /^ {4}at readVersion \((src\/cli\/version\.ts):(\d+):\d+\)$/.exec(second) ?? [];
  expect(readFileSync(source, 'utf8').split('\n')[Number(line) - 1]).toContain('JSON.parse');
});

it('a file without a source map, and one of somebody else, stay as they are', () => {
  const stack = `Error: odd\n    at a (file://${resolve('dist/none.js')}:1:2)\n    at b (/usr/lib/x.js:3:4)`;
  expect(withSourcePositions(stack)).toBe(stack);
});
