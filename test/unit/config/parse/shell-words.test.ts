import { describe, expect, test } from 'vitest';
import { splitShellWords } from '../../../../src/config/parse/shell-words.ts';

describe('splitShellWords', () => {
  test.each([
    ['', []],
    ['  \t\n ', []],
    ['-r host 10/8', ['-r', 'host', '10/8']],
    ['\'a b\' "c d"', ['a b', 'c d']],
    ["a'b c'd", ['ab cd']],
    ["''", ['']],
    ['a\\ b', ['a b']],
    ['"a\\"b"', ['a"b']],
    ['"a\\nb"', ['a\\nb']],
    ["'a\\'", ['a\\']],
    ['# all comment', []],
    ['a # b\nc', ['a', 'c']],
    ['a#b', ['a#b']],
    ["'#a'", ['#a']],
    ['a\\\nb', ['ab']],
    ['a\r\nb', ['a', 'b']],
    ['$HOME ~/x `id`', ['$HOME', '~/x', '`id`']],
  ])('%j', (text, words) => {
    expect(splitShellWords(text)).toEqual({ kind: 'words', words });
  });

  test.each([
    ["a 'b", "has an opening ' without a closing one"],
    ['"a', 'has an opening " without a closing one'],
    ['a\\', 'ends with a backslash that escapes nothing'],
  ])('refuses %j', (text, what) => {
    expect(splitShellWords(text)).toEqual({ kind: 'invalid', what });
  });
});
