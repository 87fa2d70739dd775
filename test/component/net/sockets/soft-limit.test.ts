import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const OPENS_400 = `
  const { openSync } = require('node:fs');
  for (let count = 0; count < 400; count += 1) openSync('/dev/null', 'r');
  console.log('opened');
`;

// A shell of macOS gives 256, with no hard limit (native-notes/descriptors.md): two a flow would be used up by a browser.
test('Node.js raises a soft limit of 256 open files by itself, as macOS has it', () => {
  const shell = 'ulimit -S -n 256 && exec "$0" -e "$1"';
  const output = execFileSync('/bin/sh', ['-c', shell, process.execPath, OPENS_400], { encoding: 'utf8' });
  expect(output).toBe('opened\n');
});
