import { expect, it } from 'vitest';
import { printable, printableLine, withoutControls } from '../../../src/core/printable.ts';

it('leaves what can be read, and nothing that moves a cursor or turns the text', () => {
  const plain = 'Übung 日本 é\té\n😀';
  expect(withoutControls(plain)).toBe(plain);
  const all = Array.from({ length: 0xffff }, (_, code) => String.fromCharCode(code));
  // Backwards, no two of them make one character.
  expect(withoutControls(all.reverse().join(''))).not.toMatch(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those that are to be gone
    /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]/,
  );
  expect(withoutControls('a\u{e0041}b')).toBe('ab');
  expect(printableLine(' a\r\n\u001b[2Jb ')).toBe('a [2Jb');
  expect(printable('x'.repeat(5_000))).toHaveLength(4_099);
});
