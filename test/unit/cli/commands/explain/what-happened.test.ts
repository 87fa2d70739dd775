import { describe, expect, it } from 'vitest';
import { describeWhatHappened } from '../../../../../src/cli/commands/explain/what-happened.ts';
import type { FlowEnding, FlowInfo } from '../../../../../src/tunnel/status/status.ts';

const NOW_MS = 1_800_000_000_000;

function flow(destination: string, change: Partial<FlowInfo> = {}): FlowInfo {
  const moved = { bytesUp: 0, bytesDown: 0 };
  return {
    destination,
    address: null,
    originator: '192.0.2.9:4',
    ageMs: 5,
    stage: 'open',
    ...moved,
    ...change,
  };
}

function ending(destination: string, why: string, change: Partial<FlowEnding> = {}): FlowEnding {
  const { address, originator } = flow(destination);
  return {
    destination,
    address,
    originator,
    endedAtMs: NOW_MS - 12_000,
    durationMs: 3,
    end: 'refused',
    why,
    bytesUp: 10,
    bytesDown: 2_048,
    ...change,
  };
}

function told(
  hosts: readonly string[],
  port: number | undefined,
  flows: readonly FlowInfo[],
  endings: readonly FlowEnding[],
) {
  return describeWhatHappened(hosts, port, { name: 'office', flows, endings }, NOW_MS);
}

describe('describeWhatHappened', () => {
  it('counts what is open there, and tells how the last ones have ended', () => {
    const flows = [flow('10.0.0.8:5432'), flow('10.0.0.8:5432'), flow('10.0.0.8:5432', { stage: 'held' })];
    const endings = [
      ending('10.0.0.8:5432', 'refused: Connection refused'),
      ending('10.0.0.9:5432', 'ended'),
    ];
    expect(told(['10.0.0.8'], 5432, flows, endings)).toEqual([
      'office: connections there now: 2 open, 1 waiting for the bastion',
      'office: 12 s ago: 10.0.0.8:5432: refused: Connection refused (10 B up, 2.0 KiB down)',
    ]);
  });

  it.each<[readonly string[], number | undefined, string]>([
    [['10.0.0.8'], undefined, '10.0.0.8:5432'],
    [['2001:db8::8'], 443, '[2001:db8::8]:443'],
    [['2001:db8::8'], undefined, '[2001:db8::8]:443'],
    [['DB.internal', '10.0.0.8'], 5432, 'db.internal:5432'],
    [['db.internal', '10.0.0.8'], 5432, '10.0.0.8:5432'],
  ])('%j, port %s, is %s', (hosts, port, destination) => {
    expect(told(hosts, port, [], [ending(destination, 'ended')])).toHaveLength(1);
    expect(told(hosts, port, [], [ending(destination, 'ended')])[0]).toContain(`${destination}: ended`);
  });

  it('finds a name by the address that stands for it, on this port only', () => {
    const named = ending('db.internal:5432', 'ended', { address: '198.18.0.4' });
    expect(told(['198.18.0.4'], 5432, [], [named])[0]).toContain('db.internal:5432: ended');
    expect(told(['198.18.0.4'], 432, [], [named])).toEqual([]);
  });

  it('says nothing where there was nothing', () => {
    const others = [ending('10.0.0.88:5432', 'ended'), ending('10.0.0.8:543', 'ended')];
    expect(told(['10.0.0.8'], 5432, [], others)).toEqual([]);
  });

  it('tells of the latest five', () => {
    const many = Array.from({ length: 9 }, (_, index) => ending('10.0.0.8:1', `ended ${index}`));
    const lines = told(['10.0.0.8'], 1, [], many);
    expect(lines.map((line) => /ended \d/.exec(line)?.[0])).toEqual([0, 1, 2, 3, 4].map((n) => `ended ${n}`));
  });
});
