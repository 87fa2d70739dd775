import { type TopDocument, topDocument } from '../../../src/cli/commands/top/document/top-document.ts';
import { diagnoseProhibition } from '../../../src/ssh/forwarding-diagnosis.ts';
import type { FlowEnding, TunnelStatus } from '../../../src/tunnel/status/status.ts';
import { NOW_MS, reportOf, tunnelsOf, UP } from '../in-process/tunnel-reports.ts';

type Flow = Omit<TopDocument['flows'][number], 'tunnel'>;

/** What is in the picture of README: flows, where to, and how they move. */
const FLOWS: ReadonlyArray<
  readonly [destination: string, program: string, ageMs: number, up: number, down: number]
> = [
  ['db.internal.example:5432', 'psql', 5_520_000, 21_000, 3_900_000],
  ['registry.internal.example:443', 'dockerd', 74_000, 9_400, 1_450_000],
  ['10.20.4.17:6443', 'kubectl', 7_100_000, 41_000, 96_000],
  ['artifacts.internal.example:443', 'mvn', 12_000, 610_000, 4_100],
  ['10.20.4.31:9092', 'java', 3_300_000, 12_000, 31_000],
  ['grafana.internal.example:443', 'firefox', 641_000, 700, 5_300],
  ['10.20.8.2:22', 'ssh', 1_980_000, 60, 240],
  ['redis.internal.example:6379', 'redis-cli', 6_900_000, 0, 0],
];

const WAITS_FOR_CODE: TunnelStatus = {
  ...UP,
  state: { kind: 'waiting', sinceMs: NOW_MS - 412_000, for: { kind: 'user', why: 'would ask' } },
  bastion: 'me@lab-gate.example (198.51.100.20:22)',
  roundTripMs: null,
  flows: { now: 1, held: 1, total: 208, opened: 207 },
  bytesUp: 8_400_000,
  bytesDown: 61_000_000,
  reconnects: 2,
};

const PROHIBITION = diagnoseProhibition(
  { host: '10.20.9.40', port: 3306 },
  { keyOptions: [], permitted: '10.20.4.17:6443' },
).remedy;

const ENDINGS: readonly FlowEnding[] = [
  ['10.20.9.40:3306', 'prohibited', 'prohibited by the bastion (open failed)', 95_000],
  ['10.20.4.22:8080', 'refused', 'refused: Connection refused', 38_000],
  ['10.20.4.22:8080', 'refused', 'refused: Connection refused', 41_000],
].map(([destination, cause, why, agoMs]) => ({
  ...{ destination, cause, why, end: 'refused', address: null, originator: '127.0.0.1:40000' },
  ...{ endedAtMs: NOW_MS - Number(agoMs), durationMs: 12, bytesUp: 0, bytesDown: 0 },
})) as readonly FlowEnding[];

/** The look at a second, of as many as a picture has: as bytes flow, always the same. */
export function demoLook(second: number): TopDocument {
  const atMs = NOW_MS - 120_000 + second * 1_000;
  const wave = (period: number, phase: number) =>
    0.5 + 0.5 * Math.sin((second / period) * 2 * Math.PI + phase);
  const burst = second > 70 && second < 84 ? 1.6 : 0;
  const flows = FLOWS.map(([destination, name, ageMs, up, down], index) => {
    const factor =
      (0.55 + 0.3 * wave(17 + 3 * index, index) + 0.15 * wave(5, 2 * index)) * (1 + burst / (index + 1));
    return {
      ...{ destination, address: null, originator: `127.0.0.1:${41_200 + 7 * index}`, ageMs, stage: 'open' },
      ...{ bytesUp: (up * ageMs) / 2_900, bytesDown: (down * ageMs) / 2_900 },
      ...{ upBytesPerSec: up * factor, downBytesPerSec: down * factor },
      program: { name, pid: 4_711 + 97 * index },
    } satisfies Flow;
  });
  const sum = (key: 'upBytesPerSec' | 'downBytesPerSec' | 'bytesUp' | 'bytesDown') =>
    flows.reduce((all, flow) => all + flow[key], 0);
  const office: TunnelStatus = {
    ...UP,
    bastion: 'me@bastion.example.com (203.0.113.7:22)',
    flows: { now: flows.length, held: 0, total: 4_812, opened: 4_803 },
    roundTripMs: 11 + 2 * wave(11, 1) + (burst > 0 ? 9 * wave(7, 0) : 0),
    // What is over beside what flows now.
    ...{ bytesUp: sum('bytesUp') + 184_000_000, bytesDown: sum('bytesDown') + 3_650_722_202 },
    failures: [
      {
        ...{ cause: 'refused', count: 7, lastAtMs: atMs - 38_000, lastDestination: '10.20.4.22:8080' },
        advice: 'check the port, and that something listens there',
      },
      {
        ...{ cause: 'prohibited', count: 2, lastAtMs: atMs - 95_000, lastDestination: '10.20.9.40:3306' },
        advice: PROHIBITION,
      },
    ],
  };
  const held: Flow = {
    ...{
      destination: '172.20.0.12:443',
      address: null,
      originator: '127.0.0.1:41300',
      ageMs: 9_000,
      stage: 'held',
    },
    ...{ bytesUp: 0, bytesDown: 0, upBytesPerSec: 0, downBytesPerSec: 0 },
    program: { name: 'curl', pid: 5_913 },
  };
  const { tunnels, health } = tunnelsOf([
    reportOf('office', office, '10.20.0.0/16', '*.internal.example'),
    reportOf('lab', WAITS_FOR_CODE, '172.20.0.0/16'),
  ]);
  const [upBytesPerSec, downBytesPerSec] = [sum('upBytesPerSec'), sum('downBytesPerSec')];
  return topDocument(
    { health, silent: [], down: [] },
    [
      { view: tunnels[0]!, flows, endings: ENDINGS, upBytesPerSec, downBytesPerSec },
      { view: tunnels[1]!, flows: [held], endings: [], upBytesPerSec: 0, downBytesPerSec: 0 },
    ],
    atMs,
  );
}

/** So many tunnels, and so many flows through the first. */
export function busyLook(tunnelCount: number, flowCount: number): TopDocument {
  const reports = Array.from({ length: tunnelCount }, (_, n) =>
    reportOf(`tunnel-${n}`, UP, `10.${n}.0.0/16`),
  );
  const { tunnels, health } = tunnelsOf(reports);
  const flows = Array.from({ length: flowCount }, (_, n): Flow => {
    const [destination, originator] = [`10.0.0.${n % 250}:${1_000 + n}`, `127.0.0.1:${20_000 + n}`];
    const rates = { upBytesPerSec: 0, downBytesPerSec: flowCount - n };
    return {
      ...{ destination, originator, address: null, ageMs: n * 1_000, stage: 'open' },
      bytesUp: 0,
      bytesDown: n,
      ...rates,
    };
  });
  const status = { ...UP, flows: { now: flowCount, held: 0, total: flowCount, opened: flowCount } };
  const still = { endings: [], upBytesPerSec: 0, downBytesPerSec: 0 };
  const looks = tunnels.map((view, n) =>
    n === 0 ? { view: { ...view, status }, flows, ...still } : { view, flows: [], ...still },
  );
  return topDocument({ health, silent: [], down: [] }, looks, NOW_MS);
}
