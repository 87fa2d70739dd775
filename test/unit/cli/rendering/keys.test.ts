import { expect, test, vi } from 'vitest';
import { decodeKeys, KeyReader } from '../../../../src/cli/rendering/keys.ts';

const ESC = '\u001b';

test.each<readonly [string, readonly string[], string]>([
  ['abc', ['a', 'b', 'c'], ''],
  ['ä日👍', ['ä', '日', '👍'], ''],
  [`${ESC}[A${ESC}OB${ESC}[5~${ESC}[6~`, ['up', 'down', 'page-up', 'page-down'], ''],
  [`${ESC}[H${ESC}[4~${ESC}[Z`, ['home', 'end', 'back-tab'], ''],
  ['\r\t\u007f\b', ['enter', 'tab', 'backspace', 'backspace'], ''],
  ['\u0003\u0004\u001a', ['ctrl-c', 'ctrl-d', 'ctrl-z'], ''],
  // A function key, a mouse, a control character: not ours, and no letters.
  [`${ESC}[15~${ESC}[<0;1;1M\u0000\u0001x`, ['x'], ''],
  [`${ESC}q`, ['escape', 'q'], ''],
  [`a${ESC}`, ['a'], ESC],
  [`${ESC}[`, [], `${ESC}[`],
  [`${ESC}[1;`, [], `${ESC}[1;`],
  [`${ESC}${ESC}[A`, ['escape', 'up'], ''],
])('%j is %j', (text, keys, rest) => {
  expect(decodeKeys(text)).toEqual({ keys, rest });
});

test('a key may come in pieces; Esc is one when nothing follows', () => {
  vi.useFakeTimers();
  try {
    const keys: string[] = [];
    const reader = new KeyReader((key) => keys.push(key));
    for (const piece of [ESC, '[', 'B']) reader.push(Buffer.from(piece));
    const [first, second] = [Buffer.from('日').subarray(0, 1), Buffer.from('日').subarray(1)];
    reader.push(first!);
    reader.push(second!);
    reader.push(Buffer.from(ESC));
    expect(keys).toEqual(['down', '日']);
    vi.advanceTimersByTime(50);
    expect(keys).toEqual(['down', '日', 'escape']);
    // What is no key in so long is none, and nothing is kept of what never ends.
    reader.push(Buffer.from(`${ESC}[${'1'.repeat(100)}`));
    reader.push(Buffer.from('A'));
    expect(keys).toEqual(['down', '日', 'escape', 'A']);
    reader.push(Buffer.from(ESC));
    reader.close();
    vi.advanceTimersByTime(50);
    expect(keys).toHaveLength(4);
  } finally {
    vi.useRealTimers();
  }
});
