import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { systemWords } from '../../../../src/core/systems/system-words.ts';
import type { Endpoint } from '../../../../src/net/address/endpoint.ts';
import { type Flow, markOpen, redirectedFlow } from '../../../../src/net/flow.ts';
import { DescriptorBudget } from '../../../../src/net/sockets/descriptor-budget.ts';
import type {
  RedirectedConnection,
  StrandedFate,
} from '../../../../src/net/sockets/redirected-connection.ts';
import type { FlowEnd, FlowSummary, RefusalReason, Transport } from '../../../../src/ssh/transport.ts';
import { FlowTable } from '../../../../src/tunnel/flows/flow-table.ts';
import { StrandedConnections } from '../../../../src/tunnel/flows/stranded-connections.ts';
import type { FailureCause } from '../../../../src/tunnel/status/status.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

const ORIGINATOR: Endpoint = { family: 4, address: '127.0.0.1', port: 40_000 };
const DESTINATION: Endpoint = { family: 4, address: '10.0.0.8', port: 5432 };

/** A flow that was redirected, and of which a test says otherwise. */
function flow(otherwise: Partial<Flow> = {}): Flow {
  const accepted = { resetAndDestroy: () => {} } as unknown as Socket;
  return { ...redirectedFlow(accepted, DESTINATION, ORIGINATOR), ...otherwise };
}

/** A transport whose flows end as soon as they are carried, in the given ways. */
function endingTransport(ends: FlowEnd[]): Transport {
  return {
    description: 'fake',
    roundTripMs: undefined,
    lost: new Promise(() => {}),
    open: () => Promise.reject(new Error('not used')),
    carry: async (flow): Promise<FlowSummary> => {
      const end = ends.shift() ?? { kind: 'eof' };
      if (end.kind === 'eof' || end.kind === 'reset') flow.stage = 'open';
      return { end, bytesUp: 3, bytesDown: 5 };
    },
    close: async () => {},
  };
}

async function linesOf(ends: FlowEnd[]): Promise<readonly string[]> {
  const logger = recordingLogger();
  const flows = new FlowTable(endingTransport([...ends]), logger);
  for (const _ of ends) flows.accept(flow());
  expect(flows.totals()).toMatchObject({ now: ends.length, total: ends.length });
  await new Promise(setImmediate);
  expect(flows.totals()).toMatchObject({ now: 0, bytesUp: 3 * ends.length, bytesDown: 5 * ends.length });
  return logger.lines;
}

test.each<[FlowEnd, string]>([
  [{ kind: 'eof' }, '10.0.0.8:5432 closed'],
  [
    { kind: 'refused', reason: 'connect-failed', description: 'Connection refused' },
    '10.0.0.8:5432: refused: Connection refused',
  ],
  [
    { kind: 'refused', reason: 'prohibited', description: 'open failed' },
    '10.0.0.8:5432: prohibited by the bastion (open failed)',
  ],
  [
    { kind: 'reset', by: 'application', detail: 'read ECONNRESET' },
    '10.0.0.8:5432: reset by the application: read ECONNRESET',
  ],
  [{ kind: 'bastion-lost' }, '10.0.0.8:5432: reset: the bastion was lost'],
  [{ kind: 'aborted', detail: 'the tunnel is closing' }, '10.0.0.8:5432: reset by us: the tunnel is closing'],
])('every ending is logged once, with its cause: %j', async (end, message) => {
  const [line, ...more] = await linesOf([end]);
  const words = line?.slice(0, line.indexOf(' {')).replace(/,? after \d+\.\d s, 3 B up, 5 B down$/, '');
  expect(words).toBe(`info ${message}`);
  expect(line).toContain(' s, 3 B up, 5 B down {');
  expect(JSON.parse(line?.slice(line.indexOf(' {')) ?? '')).toMatchObject({ bytesUp: 3, bytesDown: 5 });
  expect(more.filter((other) => other.startsWith('info'))).toEqual([]);
});

test.each<[string, () => Promise<FlowSummary>]>([
  [
    'throws',
    () => {
      throw new Error('planted');
    },
  ],
  ['rejects', () => Promise.reject(new Error('planted'))],
  [
    'tells an end that is none',
    () => Promise.resolve({ end: undefined, bytesUp: 0, bytesDown: 0 } as unknown as FlowSummary),
  ],
])(
  'a transport that %s ends the one flow, is told with its stack, and others go on',
  async (_what, carry) => {
    const logger = recordingLogger();
    const errors: unknown[] = [];
    const transport = endingTransport([]);
    let isFirst = true;
    const once = {
      ...transport,
      carry: (carried: Flow) => (isFirst ? carry() : transport.carry(carried)),
    };
    const table = new FlowTable(once, {
      ...logger,
      error: (_message, fields) => void errors.push(fields?.['err']),
    });
    let resets = 0;
    const accepted = { resetAndDestroy: () => (resets += 1) } as unknown as Socket;
    table.accept(flow({ accepted }));
    await new Promise(setImmediate);
    isFirst = false;
    table.accept(flow());
    await new Promise(setImmediate);
    expect(table.totals()).toMatchObject({ now: 0, total: 2 });
    expect(resets).toBe(1);
    expect(errors).toEqual([expect.objectContaining({ stack: expect.stringMatching(/\n\s+at /) })]);
    expect(logger.lines.filter((line) => line.includes('10.0.0.8:5432'))).toEqual([
      expect.stringContaining('10.0.0.8:5432: reset by us: internal error'),
      expect.stringContaining('10.0.0.8:5432 closed after '),
    ]);
  },
);

test('a prohibition is a warning too, once', async () => {
  const prohibited: FlowEnd = { kind: 'refused', reason: 'prohibited', description: 'open failed' };
  const lines = await linesOf([prohibited, prohibited, { kind: 'eof' }]);
  expect(lines.filter((line) => line.startsWith('warn'))).toEqual([
    expect.stringMatching(/prohibits forwarding to 10\.0\.0\.8:5432.*AllowTcpForwarding.*PermitOpen/),
  ]);
});

const refused = (reason: RefusalReason, description: string): FlowEnd => ({
  kind: 'refused',
  reason,
  description,
});

test.each<[FlowEnd, FailureCause | undefined]>([
  [{ kind: 'eof' }, undefined],
  [{ kind: 'reset', by: 'destination', detail: 'closed' }, undefined],
  [refused('connect-failed', 'Connection refused'), 'refused'],
  [refused('prohibited', 'open failed'), 'prohibited'],
  [refused('connect-failed', 'Name or service not known'), 'unknown-name'],
  [refused('connect-failed', 'Connection timed out'), 'unreachable'],
  [refused('connect-failed', 'No route to host'), 'unreachable'],
  [refused('connect-failed', 'open failed'), 'unreachable'],
  [refused('resource-shortage', 'open failed'), 'bastion-descriptors'],
  [refused('unknown-channel-type', 'what?'), 'other'],
  [{ kind: 'bastion-lost' }, 'bastion-lost'],
  [{ kind: 'aborted', detail: 'not back', lacks: 'bastion' }, 'bastion-lost'],
  [{ kind: 'aborted', detail: 'EMFILE', lacks: 'descriptors' }, 'own-descriptors'],
  [{ kind: 'aborted', detail: 'a window overrun' }, 'other'],
])('%j is counted as %s', async (end, cause) => {
  const flows = new FlowTable(endingTransport([end, end]), recordingLogger());
  for (let count = 0; count < 2; count += 1) flows.accept(flow());
  await new Promise(setImmediate);
  const counted = flows
    .failures()
    .map(({ cause: what, count, lastDestination }) => [what, count, lastDestination]);
  expect(counted).toEqual(cause === undefined ? [] : [[cause, 2, '10.0.0.8:5432']]);
});

test('a bastion that prohibits all has its advice in the counts, which changes as soon as one destination is permitted', async () => {
  const ends = [refused('prohibited', 'open failed'), refused('connect-failed', 'Connection refused')];
  const flows = new FlowTable(endingTransport(ends), recordingLogger());
  flows.accept(flow());
  await new Promise(setImmediate);
  expect(flows.failures()).toMatchObject([
    { advice: expect.stringMatching(/^ask for AllowTcpForwarding yes/) },
  ]);
  flows.accept(flow({ destination: { host: DESTINATION.address, port: 443 } }));
  await new Promise(setImmediate);
  const advice = flows.failures().find(({ cause }) => cause === 'prohibited')?.advice;
  expect(advice).toMatch(/^ask for 10\.0\.0\.8:5432 in PermitOpen/);
});

test('what comes when the descriptors are used up is reset, counted, and told once; the limit is asked anew', () => {
  const logger = recordingLogger();
  let limit = 256;
  const budget = new DescriptorBudget(() => limit);
  const flows = new FlowTable({ carry: () => new Promise(() => {}) }, logger, { descriptors: budget });
  let resets = 0;
  const accepted = (fd: number) => {
    const socket = { _handle: { fd }, resetAndDestroy: () => (resets += 1) };
    return flow({ accepted: socket as unknown as Socket });
  };
  const ceiling = limit - budget.reserve;
  flows.accept(accepted(ceiling - 1));
  expect([flows.totals().now, resets]).toEqual([1, 0]);
  flows.accept(accepted(ceiling));
  flows.accept(accepted(limit - 1));
  flows.rejected();
  const answers: string[] = [];
  const answer = { opened: () => {}, failed: (failure: string) => void answers.push(failure) };
  flows.accept({ ...accepted(ceiling), answer });
  expect([flows.totals().now, resets, answers]).toEqual([1, 2, ['other']]);
  expect(flows.failures()).toMatchObject([{ cause: 'own-descriptors', count: 4 }]);
  expect(flows.failures()[0]?.advice).toContain(`allow more: ${systemWords().moreDescriptors}`);
  expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([
    expect.stringMatching(/this process may have 256 open, of which 32 are kept/),
  ]);

  limit = 4_096;
  flows.accept(accepted(ceiling));
  expect(flows.totals().now).toBe(2);
});

test('open flows are listed, the latest first, with what they have moved so far', async () => {
  const carried: Flow[] = [];
  const transport: Transport = {
    ...endingTransport([]),
    carry: (one) => {
      carried.push(one);
      return new Promise(() => {});
    },
  };
  const flows = new FlowTable(transport, recordingLogger());
  const heldName = { address: DESTINATION.address, release: () => {} };
  const named = { heldName, destination: { host: 'db.internal', port: 5432 } };
  for (const one of [flow(), flow(named)]) flows.accept(one);
  const toProxy = { localAddress: '127.0.0.1', localPort: 1_080 } as Socket;
  const byProxy = { redirectedFrom: undefined, accepted: toProxy };
  flows.accept(flow({ ...byProxy, destination: { host: 'api.internal', port: 443 } }));
  Object.assign(carried[0] ?? {}, { bytesUp: 7, bytesDown: 9 });
  markOpen(carried[0]!);
  Object.assign(carried[1] ?? {}, { stage: 'held' });

  expect(flows.totals()).toEqual({ now: 3, held: 1, total: 3, opened: 1, bytesUp: 7, bytesDown: 9 });
  expect(flows.list(10)).toMatchObject([
    { destination: 'api.internal:443', called: '127.0.0.1:1080', stage: 'opening', openingMs: null },
    { destination: 'db.internal:5432', address: '10.0.0.8', stage: 'held' },
    { destination: '10.0.0.8:5432', address: null, called: '10.0.0.8:5432', stage: 'open', bytesUp: 7 },
  ]);
  expect(flows.list(10)[2]!.openingMs).toBeGreaterThanOrEqual(0);
  expect(flows.list(1)).toHaveLength(1);
});

test('closing waits for the flows that end with the bastion, and says so once; not for ever for others', async () => {
  const logger = recordingLogger();
  const ends: Array<(summary: FlowSummary) => void> = [];
  const carry: Transport['carry'] = (carried) => {
    carried.stage = 'open';
    return new Promise((resolve) => ends.push(resolve));
  };
  const flows = new FlowTable({ carry }, logger);
  flows.accept(flow());
  const closed = flows.close();
  await new Promise(setImmediate);
  ends[0]!({ end: { kind: 'bastion-lost' }, bytesUp: 0, bytesDown: 0 });
  await closed;
  const told = 'warn with the bastion one open connection was lost, and reset: 10.0.0.8:5432';
  expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([told]);

  flows.accept(flow());
  await flows.close();
  expect(flows.totals().now).toBe(1);
});

test.each<[FlowEnd, StrandedFate, string]>([
  [
    { kind: 'reset', by: 'application', detail: 'read ECONNRESET' },
    'told',
    'reset by the application: read ECONNRESET',
  ],
  [
    { kind: 'reset', by: 'application', detail: 'read ECONNRESET' },
    'joined',
    'reset by the application: read ECONNRESET',
  ],
  [
    { kind: 'reset', by: 'application', detail: 'read ECONNRESET' },
    'ended',
    "reset by the kernel: 203.0.113.77 is no longer an address of this machine; the application's socket was ended here",
  ],
  [
    { kind: 'bastion-lost' },
    'ended',
    "reset: the bastion was lost; 203.0.113.77 is no longer an address of this machine: the application's socket was ended here",
  ],
  [
    { kind: 'bastion-lost' },
    'unsupported',
    `reset: the bastion was lost; 203.0.113.77 is no longer an address of this machine: the application was not told, as ${systemWords().endsNoSockets}`,
  ],
])(
  'a reset is told once it is known whether it has reached its application: %j, %s',
  async (end, fate, why) => {
    const asked: RedirectedConnection[] = [];
    const logger = recordingLogger();
    const stranded = new StrandedConnections(async (connections) => {
      asked.push(...connections);
      return connections.map(() => fate);
    }, logger);
    const flows = new FlowTable(endingTransport([end, { kind: 'eof' }, end]), logger, { stranded });
    const originator: Endpoint = { ...ORIGINATOR, address: '203.0.113.77' };
    flows.accept(flow({ originator }));
    // An end of data, and a proxy's client, have nothing to be looked for.
    flows.accept(flow({ originator }));
    flows.accept(flow({ originator, redirectedFrom: undefined }));
    await flows.close();
    expect(asked).toEqual([{ originator, destination: DESTINATION }]);
    expect(flows.endings(10).map((ending) => ending.why)).toContain(why);
  },
);

test('what was not opened is reset, or told to its application where that waits for an answer', async () => {
  const ends: FlowEnd[] = [refused('connect-failed', 'Connection refused'), { kind: 'bastion-lost' }];
  const flows = new FlowTable(endingTransport([...ends, ...ends, { kind: 'eof' }]), recordingLogger());
  const seen: string[] = [];
  const accepted = { resetAndDestroy: () => void seen.push('reset') } as unknown as Socket;
  const answer = { opened: () => {}, failed: (failure: string) => void seen.push(failure) };
  for (const otherwise of [{}, {}, { answer }, { answer }, {}])
    flows.accept(flow({ accepted, ...otherwise }));
  await new Promise(setImmediate);
  expect(seen).toEqual(['reset', 'reset', 'refused', 'reset']);
});
