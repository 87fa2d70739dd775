import { expect, test } from 'vitest';
import { METRICS, STATE_LABELS } from '../../../../src/app/metrics/metric-names.ts';
import { tunnelMetrics } from '../../../../src/app/metrics/tunnel-metrics.ts';
import { FAILURE_CAUSES, type TunnelStatus } from '../../../../src/tunnel/status/status.ts';
import { NOW_MS, UP } from '../../../support/in-process/tunnel-reports.ts';

const FULL: TunnelStatus = {
  ...UP,
  names: { inUse: 3, capacity: 58, refused: 2 },
  udp: { flows: 3, sent: 120, received: 118, dropped: 2 },
};

async function linesOf(status: TunnelStatus): Promise<readonly string[]> {
  const text = await tunnelMetrics({ name: 'office', version: '1.2.3' }, () => status).metrics();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('every metric has the tunnel as a label, and all there are have a value', async () => {
  const lines = await linesOf(FULL);
  for (const line of lines) expect(line).toMatch(/^\w+\{(?:.*,)?tunnel="office"[,}]/);
  const named = new Set(lines.map((line) => /^\w+/.exec(line)![0]));
  expect([...named].sort()).toEqual(Object.keys(METRICS).sort());
});

test('what it is that runs, and through which bastion, are labels of metrics of their own', async () => {
  const lines = await linesOf(UP);
  expect(lines).toContain(
    `tshuttle_build_info{tunnel="office",version="1.2.3",node="${process.versions.node}",platform="${process.platform}"} 1`,
  );
  expect(lines).toContain(
    'tshuttle_bastion_info{tunnel="office",bastion="me@gate.example (203.0.113.7:22)"} 1',
  );
  expect(lines.filter((line) => line.includes('bastion='))).toHaveLength(1);
});

test.each([
  [{ kind: 'up', sinceMs: NOW_MS }, 'up', 1],
  [{ kind: 'uncaptured', sinceMs: NOW_MS, cause: 'removed' }, 'no-rules', 0],
  [{ kind: 'waiting', sinceMs: NOW_MS, for: { kind: 'backoff', retryAtMs: NOW_MS } }, 'waiting', 0],
  [{ kind: 'waiting', sinceMs: NOW_MS, for: { kind: 'parked' } }, 'idle', 0],
  [{ kind: 'waiting', sinceMs: NOW_MS, for: { kind: 'user', why: 'refused' } }, 'needs-login', 0],
] as const satisfies ReadonlyArray<readonly [TunnelStatus['state'], string, number]>)(
  'of all states one is 1: %j',
  async (state, label, up) => {
    const lines = await linesOf({ ...UP, state });
    const states = lines.filter((line) => line.startsWith('tshuttle_state'));
    expect(states).toHaveLength(STATE_LABELS.length);
    expect(states.filter((line) => line.endsWith(' 1'))).toEqual([
      `tshuttle_state{tunnel="office",state="${label}"} 1`,
    ]);
    expect(lines).toContain(`tshuttle_up{tunnel="office"} ${up}`);
  },
);

test('there are as many series whatever has happened: each cause is there from the start', async () => {
  const destinations = FAILURE_CAUSES.map((cause, index) => ({
    ...{ cause, count: index + 1, lastAtMs: NOW_MS, lastDestination: `10.0.0.${index}:1`, advice: null },
  }));
  const [few, many] = await Promise.all([linesOf(FULL), linesOf({ ...FULL, failures: destinations })]);
  expect(many).toHaveLength(few.length);
  expect(many).toContain('tshuttle_failures_total{tunnel="office",cause="refused"} 1');
});

test('datagrams are told by what became of them', async () => {
  const lines = await linesOf(FULL);
  expect(lines).toContain('tshuttle_udp_flows_open{tunnel="office"} 3');
  for (const [fate, count] of Object.entries({ sent: 120, received: 118, dropped: 2 }))
    expect(lines).toContain(`tshuttle_udp_datagrams_total{tunnel="office",fate="${fate}"} ${count}`);
  expect((await linesOf({ ...UP, udp: null })).filter((line) => line.includes('_udp_'))).toEqual([]);
});

test('what is not measured is left out', async () => {
  const lines = await linesOf({ ...UP, roundTripMs: null, names: null });
  expect(lines.join('\n')).not.toMatch(/round_trip|names_in_use|names_capacity/);
});
