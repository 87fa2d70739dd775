import { expect, test } from 'vitest';
import { renderTable } from '../../../../src/cli/rendering/table.ts';

test('a column is as wide as its widest cell, and no line ends with blanks', () => {
  const rows = [
    ['office', 'up', ''],
    ['a', 'reconnecting', '1.5 GiB'],
  ];
  expect(renderTable(['NAME', 'STATE', 'BYTES'], rows)).toBe(
    ['NAME    STATE         BYTES', 'office  up', 'a       reconnecting  1.5 GiB', ''].join('\n'),
  );
});

test('colours have no width', () => {
  const green = '\x1b[32mup\x1b[39m';
  expect(renderTable(['STATE', 'FLOWS'], [[green, '3']])).toBe(`STATE  FLOWS\n${green}     3\n`);
});

test('without rows there is the head alone', () => {
  expect(renderTable(['NAME', 'STATE'], [])).toBe('NAME  STATE\n');
});

test('what a terminal has no room for stands below its row', () => {
  const head = ['NAME', 'STATE', 'FILE'];
  const rows = [
    ['office', 'up', '/home/alice/office.yaml'],
    ['lab', 'down', ''],
  ];
  const wide = 'NAME    STATE  FILE\noffice  up     /home/alice/office.yaml\nlab     down\n';
  expect(renderTable(head, rows, 38)).toBe(wide);
  expect(renderTable(head, rows, 37)).toBe(
    'NAME    STATE\noffice  up\n    FILE  /home/alice/office.yaml\nlab     down\n',
  );
  expect(renderTable(head, rows, 5)).toBe(
    'NAME\noffice\n    STATE  up\n    FILE  /home/alice/office.yaml\nlab\n    STATE  down\n',
  );
});
