import { expect, test } from 'vitest';
import {
  cellText,
  cutMiddle,
  cutOff,
  displayWidth,
  pad,
} from '../../../../src/cli/rendering/display-width.ts';

test.each([
  ['db.internal:5432', 16],
  ['日本語', 6],
  ['한국', 4],
  ['ｗide', 5],
  ['café', 4],
  ['cafe\u0301', 4],
  ['👍 ok', 5],
  ['ﾊﾝ', 2],
  ['', 0],
])('%j takes %i columns', (text, columns) => {
  expect(displayWidth(text)).toBe(columns);
});

test('what is cut is never wider than there is room, and never half a character', () => {
  for (const text of ['very-long-name.example:443', '日本語日本語日本語.example:443', '👍👍👍👍👍👍👍👍👍']) {
    for (let columns = 0; columns < 30; columns += 1) {
      for (const cut of [cutOff(text, columns), cutMiddle(text, columns)]) {
        expect(displayWidth(cut)).toBeLessThanOrEqual(columns);
        expect(cut).not.toMatch(/[\ud800-\udfff]/u);
      }
    }
  }
  expect(cutOff('abcdef', 4)).toBe('ab..');
  expect(cutMiddle('abcdefghij:443', 10)).toBe('abcd..:443');
  expect(cutMiddle('日本語日本語:443', 12)).toBe('日本語..:443');
});

test('columns are filled at either side', () => {
  expect(pad('日', 4)).toBe('日  ');
  expect(pad('7 B', 5, 'right')).toBe('  7 B');
  expect(pad('longer', 3)).toBe('longer');
});

test('nothing in a cell moves the cursor; without Unicode it is ASCII', () => {
  expect(cellText('a\u001b[2Jb\u202ec\td\ne', true)).toBe('a[2Jbc d e');
  expect(cellText('❤\ufe0f', true)).toBe('❤');
  expect(cellText('café 日👍', false)).toBe('caf? ??');
});
