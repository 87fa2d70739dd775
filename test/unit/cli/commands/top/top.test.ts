import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import { drawGraph } from '../../../../../src/cli/commands/top/graph.ts';
import { firstFlows, orderOf } from '../../../../../src/cli/commands/top/order.ts';
import { Rates } from '../../../../../src/cli/commands/top/rates.ts';
import { drawScreen, type ScreenModel } from '../../../../../src/cli/commands/top/screen.ts';
import type { FlowInfo, TunnelStatus } from '../../../../../src/tunnel/status/status.ts';

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

describe('the screen', () => {
  const status: TunnelStatus = {
    state: { kind: 'up', sinceMs: 0 },
    bastion: 'me@bastion (203.0.113.7:22)',
    algorithms: null,
    roundTripMs: 12.34,
    flows: { now: 3, held: 0, total: 9, opened: 8 },
    failures: [],
    bytesUp: 2_048,
    bytesDown: 3_000_000,
    names: null,
    reconnects: 1,
    captureProblems: [],
    lastError: null,
    advice: null,
  };
  const flows = ['db.internal:5432', '10.0.0.8:443', `${'very-'.repeat(20)}long.name:1`].map(
    (name, index) => ({
      ...flow(name, 1_000 * (index + 1)),
      upBytesPerSec: 0,
      downBytesPerSec: 1_000 * index,
    }),
  );
  const model: ScreenModel = {
    report: {
      name: 'office',
      profileFile: null,
      bastionKey: '',
      catalogKey: null,
      programs: null,
      logFile: null,
      captured: null,
      rules: [],
      ruleCount: 0,
      status,
    },
    tunnels: { count: 1, index: 0 },
    history: [{ upBytesPerSec: 10, downBytesPerSec: 2_000 }],
    flows,
    order: 'rate',
    nowMs: 60_000,
  };
  const size = { columns: 80, rows: 24, hasUnicode: true, colours: pc.createColors(false) };

  test('fits 80x24 and says what is to be known', () => {
    const lines = drawScreen(model, size);
    expect(lines).toHaveLength(24 - 1 + 0);
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(lines.join('\n')).toMatchSnapshot();
  });

  test('once it is all flows, with what moves now: no graph, no keys, no empty lines', () => {
    const flows = ['a:1', 'bb:1'].map((name) => ({ ...flow(name, 5), upBytesPerSec: 0, downBytesPerSec: 5 }));
    const lines = drawScreen({ ...model, flows }, { ...size, rows: Number.POSITIVE_INFINITY });
    expect(lines.slice(2)).toEqual([
      expect.stringMatching(/^now: up .*\/s, down .*\/s$/),
      expect.stringMatching(/^DESTINATION /),
      expect.stringMatching(/^a:1 /),
      expect.stringMatching(/^bb:1 /),
    ]);
  });

  test.each([
    [20, 5],
    [40, 10],
    [300, 60],
  ])('fits %i x %i', (columns, rows) => {
    const lines = drawScreen(
      { ...model, flows: Array.from({ length: 100 }, () => flows[0]!) },
      { ...size, columns, rows },
    );
    expect(lines.length).toBeLessThanOrEqual(Math.max(rows, 6));
    if (columns >= 80) for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
  });

  test('says what is wrong, and what to do', () => {
    const waiting = { kind: 'waiting', sinceMs: 0, for: { kind: 'user', why: 'refused' } } as const;
    const advice = 'tshuttle login office';
    const lines = drawScreen(
      { ...model, report: { ...model.report, status: { ...status, state: waiting, advice } } },
      size,
    );
    expect(lines[0]).toContain('needs login for 1 min');
    expect(lines.join('\n')).toContain(advice);
  });
});

describe('orders', () => {
  test('by key, the first of all', () => {
    const moving = [
      { ...flow('b:1', 5, 10), upBytesPerSec: 1, downBytesPerSec: 1 },
      { ...flow('a:1', 1, 99), upBytesPerSec: 9, downBytesPerSec: 0 },
    ];
    const named = (key: string) => firstFlows(moving, orderOf(key)!, 1)[0]?.destination;
    expect([named('r'), named('b'), named('a'), named('d')]).toEqual(['a:1', 'b:1', 'a:1', 'a:1']);
    expect(orderOf('x')).toBeUndefined();
  });
});
