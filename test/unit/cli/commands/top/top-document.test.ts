import { describe, expect, test } from 'vitest';
import type { TunnelView } from '../../../../../src/app/running-tunnels/tunnel-views.ts';
import {
  type TunnelLook,
  topDocument,
  withFlows,
} from '../../../../../src/cli/commands/top/document/top-document.ts';
import type { MovingFlow } from '../../../../../src/cli/commands/top/rates.ts';
import type { FailureCause, FlowEnding, TunnelStatus } from '../../../../../src/tunnel/status/status.ts';
import { NOW_MS, reportOf, tunnelsOf, UP } from '../../../../support/in-process/tunnel-reports.ts';

function flow(destination: string, downBytesPerSec: number, bytesDown = 0): MovingFlow {
  const originator = '127.0.0.1:40000';
  const rates = { upBytesPerSec: 0, downBytesPerSec };
  return { destination, address: null, originator, ageMs: 1, stage: 'open', bytesUp: 0, bytesDown, ...rates };
}

function ending(destination: string, cause: FailureCause | null, agoMs: number): FlowEnding {
  const { originator, bytesUp, bytesDown, address } = flow(destination, 0);
  const end = cause === null ? 'eof' : 'refused';
  const of = { destination, address, originator, bytesUp, bytesDown };
  return { ...of, endedAtMs: NOW_MS - agoMs, durationMs: 1, end, cause, why: `why ${agoMs}` };
}

function viewOf(name: string, status: TunnelStatus | null): TunnelView {
  return tunnelsOf([reportOf(name, status, '10.0.0.0/8')]).tunnels[0]!;
}

function look(view: TunnelView, rest: Partial<TunnelLook> = {}): TunnelLook {
  return { view, flows: [], endings: [], upBytesPerSec: 0, downBytesPerSec: 0, ...rest };
}

const NOTHING_ELSE = { health: 'up', silent: [], down: [] } as const;

describe('what one look at tunnels has found', () => {
  test('tunnels are as status has them, with its marks and words, and how fast they move', () => {
    const waiting = viewOf('lab', {
      ...UP,
      state: { kind: 'waiting', sinceMs: 0, for: { kind: 'user', why: 'would ask' } },
    });
    const document = topDocument(
      { health: 'needs-you', silent: [], down: ['far'] },
      [look(viewOf('office', UP), { upBytesPerSec: 10, downBytesPerSec: 20 }), look(waiting)],
      NOW_MS,
    );
    expect(document).toMatchObject({ atMs: NOW_MS, health: 'needs-you', down: ['far'], silent: [] });
    expect(document.tunnels).toEqual([
      { ...viewOf('office', UP), mark: '●', word: 'up', upBytesPerSec: 10, downBytesPerSec: 20 },
      { ...waiting, mark: '○', word: 'needs login', upBytesPerSec: 0, downBytesPerSec: 0 },
    ]);
    expect(document.tunnels[1]?.problems).toMatchObject([{ kind: 'login', remedy: 'tshuttle login lab' }]);
  });

  test('flows are of all tunnels, those that move most first', () => {
    const { flows } = topDocument(
      NOTHING_ELSE,
      [
        look(viewOf('office', UP), { flows: [flow('a:1', 0, 5), flow('b:1', 100)] }),
        look(viewOf('lab', UP), { flows: [flow('c:1', 300), flow('d:1', 0, 7)] }),
      ],
      NOW_MS,
    );
    expect(flows.map(({ tunnel, destination }) => `${tunnel} ${destination}`)).toEqual([
      'lab c:1',
      'office b:1',
      'lab d:1',
      'office a:1',
    ]);
  });

  test('failures are by cause, with where to lately, and what to do', () => {
    const failures = [
      { cause: 'refused', count: 9, lastAtMs: NOW_MS - 5, lastDestination: 'b:2', advice: 'check the port' },
      { cause: 'prohibited', count: 1, lastAtMs: NOW_MS - 2, lastDestination: 'c:3', advice: null },
    ] as const;
    const endings = [
      ending('x:9', null, 1),
      ending('c:3', 'prohibited', 2),
      ending('b:2', 'refused', 5),
      ending('a:1', 'refused', 6),
      ending('b:2', 'refused', 7),
    ];
    const view = viewOf('office', { ...UP, failures });
    const document = topDocument(NOTHING_ELSE, [look(view, { endings })], NOW_MS);
    expect(document.failures).toEqual([
      {
        tunnel: 'office',
        cause: 'prohibited',
        what: 'refused by the bastion, which prohibits forwarding',
        count: 1,
        lastAtMs: NOW_MS - 2,
        lastDestination: 'c:3',
        remedy: null,
        destinations: [{ destination: 'c:3', count: 1, lastAtMs: NOW_MS - 2, why: 'why 2' }],
      },
      {
        tunnel: 'office',
        cause: 'refused',
        what: 'refused by the destination',
        count: 9,
        lastAtMs: NOW_MS - 5,
        lastDestination: 'b:2',
        remedy: 'check the port',
        destinations: [
          { destination: 'b:2', count: 2, lastAtMs: NOW_MS - 5, why: 'why 5' },
          { destination: 'a:1', count: 1, lastAtMs: NOW_MS - 6, why: 'why 6' },
        ],
      },
    ]);
    expect(document.totals.failures).toBe(10);
  });

  test('destinations of one cause are bounded, and a cause of a later version is told by its name', () => {
    const failures = [
      { cause: 'sunspots', count: 50, lastAtMs: NOW_MS, lastDestination: null, advice: null },
    ] as never;
    const endings = Array.from({ length: 50 }, (_, n) => ending(`d:${n}`, 'sunspots' as never, n));
    const { failures: told } = topDocument(
      NOTHING_ELSE,
      [look(viewOf('office', { ...UP, failures }), { endings })],
      NOW_MS,
    );
    expect(told).toMatchObject([{ what: 'sunspots' }]);
    expect(told[0]?.destinations).toHaveLength(20);
  });

  test('totals are of all tunnels, also of flows that are left out; one that is opened yet counts as none', () => {
    const flows = [flow('a:1', 1), flow('b:1', 2)];
    const whole = topDocument(
      NOTHING_ELSE,
      [
        look(viewOf('office', UP), { flows, upBytesPerSec: 1, downBytesPerSec: 3 }),
        look(viewOf('lab', { ...UP, flows: { now: 4, held: 1, total: 5, opened: 3 } }), { upBytesPerSec: 1 }),
        look(viewOf('far', null)),
      ],
      NOW_MS,
    );
    const document = withFlows(whole, 1);
    expect(document.flows.map(({ destination }) => destination)).toEqual(['b:1']);
    expect(document.totals).toEqual({
      tunnels: 3,
      flows: 7,
      held: 1,
      bytesUp: 2 * UP.bytesUp,
      bytesDown: 2 * UP.bytesDown,
      upBytesPerSec: 2,
      downBytesPerSec: 3,
      failures: 0,
    });
    expect(document.tunnels[2]).toMatchObject({ word: 'opening', mark: '◐' });
  });
});
