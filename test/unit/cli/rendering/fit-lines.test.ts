import { describe, expect, test } from 'vitest';
import { columnsOf, fitLines } from '../../../../src/cli/rendering/fit-lines.ts';

describe('lines for people', () => {
  test('are as they are where they fit, and where there is no terminal', () => {
    const text = 'tshuttle: offic is no profile -> perhaps tshuttle status office\n';
    expect(fitLines(text, 80)).toBe(text);
    expect(fitLines(text, undefined)).toBe(text);
    expect(columnsOf({ isTTY: true, columns: 80 })).toBe(80);
    expect(columnsOf({ isTTY: true, columns: 0 })).toBeUndefined();
    expect(columnsOf({ isTTY: false, columns: 80 })).toBeUndefined();
  });

  test('are broken between words, and the remedy stands below', () => {
    expect(fitLines('one two three four five six\n', 16)).toBe('one two three\n    four five\n    six\n');
    expect(fitLines('tshuttle: offic is nothing -> perhaps tshuttle status office\n', 30)).toBe(
      'tshuttle: offic is nothing\n    -> perhaps tshuttle status\n       office\n',
    );
    expect(fitLines('    -> log in, or try it again later\n', 24)).toBe(
      '    -> log in, or try it\n       again later\n',
    );
  });

  test('count what they show: wide characters take two columns, and colours none', () => {
    expect(fitLines('\x1b[33mone\x1b[39m two', 7)).toBe('\x1b[33mone\x1b[39m two');
    expect(fitLines('表表表 表表表', 8)).toBe('表表表\n    表表表');
    expect(fitLines('表表表', 4)).toBe('表表表');
  });
});
