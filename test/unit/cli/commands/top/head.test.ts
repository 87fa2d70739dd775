import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import { topDocument } from '../../../../../src/cli/commands/top/document/top-document.ts';
import { headLines } from '../../../../../src/cli/commands/top/screen/head.ts';
import type { TunnelStatus } from '../../../../../src/tunnel/status/status.ts';
import { NOW_MS, reportOf, tunnelsOf, UP } from '../../../../support/in-process/tunnel-reports.ts';

const STYLE = { columns: 80, hasUnicode: true, colours: pc.createColors(false) };

const LOST: TunnelStatus = {
  ...UP,
  state: { kind: 'waiting', sinceMs: NOW_MS - 60_000, for: { kind: 'user', why: 'would ask' } },
};

function head(tunnels: Readonly<Record<string, TunnelStatus>>, room?: number): readonly string[] {
  const now = tunnelsOf(Object.entries(tunnels).map(([name, status]) => reportOf(name, status)));
  const looks = now.tunnels.map((view) => ({
    ...{ view, flows: [], endings: [], upBytesPerSec: 0, downBytesPerSec: 0 },
  }));
  return headLines(topDocument(now, looks, NOW_MS), STYLE, room);
}

/** What a line begins with. */
const marks = (lines: readonly string[]): string => lines.map((line) => line.trimStart()[0]).join('');

describe('the head of a screen that has no room for all of it', () => {
  const FOUR = { a: UP, b: LOST, c: LOST, d: LOST };
  const STATUS = 'what is wrong, and what to do: tshuttle status has all of it';

  test('leaves out what is wrong with the last ones, and says so: how each is stays', () => {
    expect(marks(head(FOUR))).toBe('●○!-○!-○!-');
    expect(head(FOUR, 10)).toEqual(head(FOUR));
    const nine = head(FOUR, 9);
    expect(marks(nine)).toBe('●○!-○!-○w');
    expect(nine.at(-1)).toBe(STATUS);
    expect(marks(head(FOUR, 8))).toBe('●○!-○○w');
    expect(marks(head(FOUR, 5))).toBe('●○○○w');
  });

  test('says how much is left out where not even that fits', () => {
    const four = head(FOUR, 4);
    expect(marks(four)).toBe('●○○2');
    expect(four.at(-1)).toBe('2 lines more: tshuttle status has all of it');
    expect(marks(head(FOUR, 1))).toBe('●');
  });

  test('of one tunnel has what is wrong first', () => {
    expect(marks(head({ b: LOST }))).toBe('○3!-');
    expect(marks(head({ b: LOST }, 3))).toBe('○3!');
  });
});
