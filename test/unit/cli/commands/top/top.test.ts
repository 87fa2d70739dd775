import { describe, expect, test } from 'vitest';
import { Rates } from '../../../../../src/cli/commands/top/rates.ts';
import { drawGraph } from '../../../../../src/cli/commands/top/screen/graph.ts';
import { History } from '../../../../../src/cli/commands/top/view/history.ts';
import type { FlowInfo } from '../../../../../src/tunnel/status/status.ts';

function flow(destination: string, bytesDown: number, ageMs = 1_000): FlowInfo {
  const originator = `127.0.0.1:${40_000 + destination.length}`;
  return { destination, address: null, originator, ageMs, stage: 'open', bytesUp: 10, bytesDown };
}

describe('drawGraph', () => {
  const options = { columns: 4, rows: 2, maximum: 16, hasUnicode: true };

  test('the newest is at the right, the largest fills the column', () => {
    expect(drawGraph([16, 8, 4], options)).toEqual([' █  ', ' ██▄']);
    expect(drawGraph([1, 2, 3, 4, 16], options)).toEqual(['   █', '▂▃▄█']);
  });

  test('something is never nothing, and more than all is all', () => {
    expect(drawGraph([0.01, 99], { ...options, columns: 2, rows: 1 })).toEqual(['▁█']);
  });

  test('without Unicode', () => {
    expect(drawGraph([0, 8, 16], { ...options, columns: 3, rows: 1, hasUnicode: false })).toEqual([' :#']);
  });
});

describe('Rates', () => {
  test('are what moved since the last look; a new flow and the first look have none', () => {
    const rates = new Rates();
    const [first] = rates.sample(0, { bytesUp: 0, bytesDown: 100 }, [flow('a:1', 100)]);
    expect(first).toMatchObject({ upBytesPerSec: 0, downBytesPerSec: 0 });
    const later = rates.sample(2_000, { bytesUp: 0, bytesDown: 1_100 }, [
      flow('a:1', 900),
      flow('bb:1', 200),
    ]);
    expect(later.map(({ downBytesPerSec }) => downBytesPerSec)).toEqual([400, 0]);
    expect(rates.history).toEqual([{ upBytesPerSec: 0, downBytesPerSec: 500 }]);
  });

  test('the history is bounded', () => {
    const rates = new Rates();
    for (let second = 0; second < 1_000; second += 1)
      rates.sample(second * 1_000, { bytesUp: 0, bytesDown: second }, []);
    expect(rates.history).toHaveLength(300);
  });
});

test('the history is that of each tunnel and of all, bounded, and forgets what has ended', () => {
  const history = new History();
  const at = (...names: string[]) =>
    ({
      tunnels: names.map((name) => ({ name, upBytesPerSec: 1, downBytesPerSec: 2 })),
      totals: { upBytesPerSec: names.length, downBytesPerSec: 2 * names.length },
    }) as unknown as Parameters<History['add']>[0];
  history.add(at('office', 'lab'));
  history.add(at('office'));
  expect(history.of('office')).toEqual([
    { upBytesPerSec: 1, downBytesPerSec: 2 },
    { upBytesPerSec: 1, downBytesPerSec: 2 },
  ]);
  expect(history.of(undefined).map(({ upBytesPerSec }) => upBytesPerSec)).toEqual([2, 1]);
  expect(history.of('lab')).toEqual([]);
  for (let look = 0; look < 400; look += 1) history.add(at('office'));
  expect(history.of('office')).toHaveLength(300);
});
