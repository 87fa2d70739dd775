import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../../../src/net/messages/line-splitter.ts';

function linesOf(chunks: readonly string[], maxBytes = 100): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter(maxBytes, (line) => lines.push(line));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  return lines;
}

describe('LineSplitter', () => {
  it('puts lines together from any pieces', () => {
    expect(linesOf(['a', 'b\nc', '\n\nd\ne'])).toEqual(['ab', 'c', '', 'd']);
  });

  it('does not break a character that arrives in two pieces', () => {
    const [first, second] = [Buffer.from('ä\n').subarray(0, 1), Buffer.from('ä\n').subarray(1)];
    const lines: string[] = [];
    const splitter = new LineSplitter(10, (line) => lines.push(line));
    splitter.push(first);
    splitter.push(second);
    expect(lines).toEqual(['ä']);
  });

  it('refuses a line that is too long, before its end as well', () => {
    expect(linesOf(['x'.repeat(10), '\n'], 10)).toEqual(['x'.repeat(10)]);
    expect(() => linesOf(['x'.repeat(11)], 10)).toThrow(/10 bytes/);
    expect(() => linesOf(['x'.repeat(6), 'x'.repeat(6)], 10)).toThrow(/10 bytes/);
  });
});
