import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Reply, Request, RulesNews } from '../../../../src/intercept/protocol/protocol.ts';
import { cleanUpDeadInstances } from '../../../../src/intercept/root/cleanup.ts';
import { pfDriver } from '../../../../src/intercept/root/drivers/pf/pf-driver.ts';
import { formatHoldings, NO_HOLDINGS } from '../../../../src/intercept/root/drivers/pf/pf-holdings.ts';
import { PfRecords } from '../../../../src/intercept/root/drivers/pf/pf-records.ts';
import { HelperSession } from '../../../../src/intercept/root/session.ts';
import { type PfPlatform, pfAnchor } from '../../../../src/intercept/rules/pf/pf-anchor.ts';
import type { RedirectPlan } from '../../../../src/intercept/rules/redirect-plan.ts';
import type { Endpoint } from '../../../../src/net/address/endpoint.ts';
import type { RedirectedConnection } from '../../../../src/net/sockets/redirected-connection.ts';
import { fakeMachine } from '../../../support/pf/fake-machine.ts';
import { type FakeKernel, FakePf } from '../../../support/pf/fake-pf.ts';

const PLATFORMS = ['darwin', 'freebsd'] as const;
const PORT = 12_300;

const plan: RedirectPlan = {
  listenerPort: PORT,
  families: [4, 6],
  groups: [
    {
      ports: { first: 1, last: 65_535 },
      intervals4: [{ first: '10.0.0.0', last: '10.255.255.255', action: 'capture' }],
      intervals6: [{ first: '2001:db8::', last: '2001:db8::ffff', action: 'capture' }],
    },
  ],
  exempt: [{ family: 4, address: '10.0.0.22', port: 22 }],
  dns: { redirects: [{ nameserver: '10.0.0.53', port: 12_353 }], exemptPorts: [40_000] },
  replies: 'plain',
  only: null,
  udp: 'reject',
  resolverFiles: null,
  alsoFrom: null,
  tmark: null,
};

const apply = { type: 'apply', id: 9, plan } as const satisfies Request;
const use = { type: 'use', id: 8, candidate: 'pf' } as const satisfies Request;
const anchorOf = (platform: PfPlatform, listenerPort = PORT): string =>
  pfAnchor({ userId: process.getuid?.() ?? 0, listenerPort }, platform);

function kernelFor(platform: PfPlatform): FakePf {
  const folder = mkdtempSync(join(tmpdir(), 'tshuttle-pf-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return FakePf.create(folder, platform);
}

/** A helper's session on that kernel. `look` is what the watch does every 10 s. */
function openSession(fake: FakePf) {
  const told: RulesNews[] = [];
  const warnings: string[] = [];
  const driver = pfDriver(() => fakeMachine(fake, (message) => warnings.push(message)));
  let look: () => Promise<void> = async () => {};
  const session = new HelperSession(
    { onLost: (reason) => expect.unreachable(reason), onRules: (news) => told.push(news) },
    {
      probe: async (_method, families) => [await driver.probe('pf', families)],
      cleanup: () => cleanUpDeadInstances([driver]),
      openBackend: () => driver.open('pf'),
      enclose: () => expect.unreachable(),
      openRoute: () => ({ close: () => {} }),
      mustEndWithHelper: async () => false,
      startGuardian: async () => ({ lost: new Promise<never>(() => {}), release: async () => {} }),
      makeTransparent: () => 12_300,
      endStranded: () => expect.unreachable('which asks the kernel of Linux'),
      forgetQueries: () => {},
      udpPortsInUse: async () => [50_000],
      watch: (context) => {
        look = () => context.look(() => undefined);
        return { close: () => {} };
      },
    },
  );
  return { session, told, warnings, driver, look: () => look() };
}

async function applied(fake: FakePf) {
  const opened = openSession(fake);
  expect(await opened.session.serve(use)).toEqual({ type: 'done', id: 8 });
  expect(await opened.session.serve(apply)).toEqual({
    type: 'applied',
    id: 9,
    left: { zones: [], udp: null },
  });
  return opened;
}

const edit = (fake: FakePf, change: (kernel: FakeKernel) => void): void => fake.change(change);

/** Never what is the system's own, or other programs'. */
function expectNothingForeign({ kernel }: FakePf): void {
  const forbidden = kernel.commands.filter(
    (command) =>
      / -[ed]( |$)/.test(command) || (/ -[fF] /.test(command) && !/ -a \S*tshuttle-\d/.test(command)),
  );
  expect(forbidden).toEqual([]);
}

const records = (fake: FakePf): string[] =>
  readdirSync(join(fake.folder, 'run')).filter((name) => name !== 'lock');

const at = (address: string, port: number): Endpoint => ({
  family: address.includes(':') ? 6 : 4,
  address,
  port,
});

describe.each(PLATFORMS)('a helper on the pf of %s', (platform) => {
  it('checks its rules, loads them into an anchor of its own, holds pf enabled, and leaves nothing', async () => {
    const fake = kernelFor(platform);
    const before = fake.kernel;
    const { session } = openSession(fake);
    expect(await session.serve({ type: 'start', id: 1, method: 'pf', families: [4, 6] })).toMatchObject({
      facts: [{ kind: 'usable', candidate: 'pf', families: [4, 6] }],
    });
    expect(fake.ours(), 'a start sets nothing').toEqual([]);
    await session.serve(use);
    expect(fake.ours(), 'before there are listeners').toEqual(['alias of lo0']);
    await session.serve(apply);
    const anchor = anchorOf(platform);
    expect(fake.ours()).toEqual(
      platform === 'darwin'
        ? [`anchor ${anchor}`, 'token 17001', 'alias of lo0']
        : [`anchor ${anchor}`, `rdr-anchor "${anchor}" all`, `anchor "${anchor}" all`, 'alias of lo0'],
    );
    const { filter, rdr, tables } = fake.kernel.anchors[anchor]!;
    expect(filter.lines.some((line) => line.startsWith('pass out quick on ! lo0 route-to lo0'))).toBe(true);
    expect(rdr.lines.length * tables.length).toBeGreaterThan(0);
    const loads = fake.kernel.commands.filter((command) => command.includes(`-a ${anchor} -f -`));
    expect(loads).toEqual([`pfctl -n -a ${anchor} -f -`, `pfctl -a ${anchor} -f -`]);
    expect(records(fake)).toHaveLength(1);

    await session.end('client ended');
    expect(fake.ours()).toEqual([]);
    expect(records(fake)).toEqual([]);
    const { main, isEnabled } = fake.kernel;
    expect([main.rdr.lines, main.filter.lines, isEnabled]).toEqual([
      before.main.rdr.lines,
      before.main.filter.lines,
      before.isEnabled,
    ]);
    expectNothingForeign(fake);
  });

  it('replaces rules and tables by a reload, and exempts an endpoint, with one token and one call', async () => {
    const fake = kernelFor(platform);
    const { session } = await applied(fake);
    const anchor = anchorOf(platform);
    const tables = () => fake.kernel.anchors[anchor]!.tables.join('\n');
    expect(tables()).not.toContain('10.9.9.9');
    const smaller = { ...plan, families: [4] as const, dns: null };
    await session.serve({ ...apply, plan: smaller });
    expect(fake.kernel.anchors[anchor]!.rdr.lines.join()).not.toContain('inet6');
    await session.serve({ ...apply, plan: { ...smaller, exempt: [at('10.9.9.9', 22)] } });
    expect(tables()).toContain('!10.9.9.9');
    expect(fake.ours().filter((one) => one.startsWith('token'))).toHaveLength(platform === 'darwin' ? 1 : 0);
    expect(fake.kernel.main.rdr.lines.filter((line) => line.includes('tshuttle'))).toHaveLength(
      platform === 'darwin' ? 0 : 1,
    );
    await session.end('client ended');
    expect(fake.ours()).toEqual([]);
    expectNothingForeign(fake);
  });

  it('keeps what was in force when pf refuses the next plan, and leaves nothing when it refuses the first', async () => {
    const fake = kernelFor(platform);
    const { session } = await applied(fake);
    const before = fake.kernel.anchors;
    const refused = 'stdin:3: cannot define table tsh_1: Cannot allocate memory';
    edit(fake, (kernel) => {
      kernel.refusals = { '-n': refused };
    });
    expect(await session.serve({ ...apply, plan: { ...plan, dns: null } })).toMatchObject({
      type: 'failed',
      reason: expect.stringContaining('Cannot allocate memory'),
    });
    expect(fake.kernel.anchors).toEqual(before);
    edit(fake, (kernel) => {
      kernel.refusals = {};
    });
    await session.end('client ended');
    expect(fake.ours()).toEqual([]);

    const second = openSession(fake);
    await second.session.serve(use);
    edit(fake, (kernel) => {
      kernel.refusals = { '-E': 'pfctl: DIOCSTARTREF: Operation not permitted', '-vv': 'pfctl: busy' };
    });
    expect(await second.session.serve(apply)).toMatchObject({
      type: 'failed',
      reason: expect.stringMatching(/not permitted|busy/),
    });
    expect(fake.ours()).toEqual(['alias of lo0']);
    edit(fake, (kernel) => {
      kernel.refusals = {};
    });
    await second.session.end('client ended');
    expect(fake.ours()).toEqual([]);
    expect(records(fake)).toEqual([]);
  });

  it('puts back what another program has flushed, and looks no closer as long as nothing changes', async () => {
    const fake = kernelFor(platform);
    const { session, told, look } = await applied(fake);
    const anchor = anchorOf(platform);
    await look();
    edit(fake, (kernel) => {
      kernel.commands = [];
    });
    await look();
    await look();
    expect(fake.kernel.commands).toEqual(['pfctl -s info', 'pfctl -s info']);
    fake.pfctl(['-a', anchor, '-F', 'all']);
    await look();
    expect(told).toEqual([{ state: 'back', what: expect.stringContaining(anchor) }]);
    expect(fake.ours()).toContain(`anchor ${anchor}`);
    fake.pfctl(['-d']);
    await look();
    if (platform === 'darwin') {
      expect(told[1]).toMatchObject({ state: 'back', what: expect.stringContaining('pf is disabled') });
      expect(fake.kernel).toMatchObject({ isEnabled: true, tokens: ['17002'] });
    }
    edit(fake, (kernel) => {
      kernel.commands = [];
      kernel.isEnabled = true;
    });
    await session.end('client ended');
    expect(fake.ours()).toEqual([]);
    expectNothingForeign(fake);
  });

  it('whose main ruleset another program has loaded anew', async () => {
    const fake = kernelFor(platform);
    const { session, told, look } = await applied(fake);
    const anchor = anchorOf(platform);
    fake.pfctl(['-f', '/etc/pf.conf'], 'pass out all\n');
    await look();
    if (platform === 'freebsd') {
      expect(told).toMatchObject([{ state: 'back', what: expect.stringContaining('rdr-anchor') }]);
      expect(fake.kernel.main.filter.lines).toEqual([`anchor "${anchor}" all`, 'pass out all']);
    } else {
      // The call is the system's own, and is for whoever has removed it to load again.
      expect(told).toMatchObject([
        {
          state: 'lost',
          what: expect.stringMatching(/no rdr-anchor "com.apple\/\*".*pfctl -f \/etc\/pf.conf/),
        },
      ]);
    }
    await session.end('client ended');
    expect(fake.ours()).toEqual([]);
  });

  it('tells where accepted connections were going to, of both families, and of no other port', async () => {
    const fake = kernelFor(platform);
    const { session, warnings } = await applied(fake);
    const [four, six] = [at('10.0.2.15', 13_960), at('2001:db8:1::15', 58_551)];
    fake.connect(four, at('10.99.0.1', 80), PORT);
    fake.connect(six, at('2001:db8::77', 443), PORT);
    fake.connect(at('10.0.2.15', 700), at('10.99.0.2', 81), PORT + 1);
    const gone = at('10.0.2.15', 699);
    const ask: Request = {
      type: 'look-up',
      id: 11,
      originators: [six, gone, four, at('10.0.2.15', 700)],
    };
    const answer = {
      type: 'looked-up',
      id: 11,
      results: [
        { kind: 'found', destination: at('2001:db8::77', 443) },
        { kind: 'unknown' },
        { kind: 'found', destination: at('10.99.0.1', 80) },
        { kind: 'unknown' },
      ],
    };
    edit(fake, (kernel) => {
      kernel.commands = [];
    });
    expect(await session.serve(ask)).toEqual(answer);
    expect(fake.kernel.commands, 'by the ioctl').toEqual([]);
    for (const [errno, kind] of [
      [1, 'refused'],
      [7, 'ambiguous'],
    ] as const) {
      edit(fake, (kernel) => {
        kernel.natlookErrno = errno;
      });
      expect(await session.serve({ ...ask, originators: [four, six] })).toMatchObject({
        results: [{ kind }, { kind }],
      });
    }
    expect(warnings, 'once').toEqual([expect.stringContaining('(errno 1): they are reset')]);
    // No such request any more: the states are listed, once for all.
    edit(fake, (kernel) => {
      kernel.natlookErrno = 25;
    });
    expect(await session.serve(ask)).toEqual(answer);
    fake.forget(four);
    expect(await session.serve({ ...ask, originators: [four] })).toMatchObject({
      results: [{ kind: 'unknown' }],
    });
    expect(fake.kernel.commands).toEqual(['pfctl -s state', 'pfctl -s state']);
    await session.end('client ended');
  });

  it('knows by its states which applications a reset has reached, and can end no socket', async () => {
    const fake = kernelFor(platform);
    const { session } = await applied(fake);
    const [ours, own] = [at('10.0.2.15', 13_960), at('2001:db8:1::15', 58_551)];
    const [there, there6] = [at('10.99.0.1', 80), at('2001:db8::77', 443)];
    fake.connect(ours, there, PORT);
    fake.connect(own, there6, PORT);
    // Of an address that the machine has no more: nothing that pf lets back arrives.
    const moved = at('192.0.2.99', 13_961);
    fake.connect(moved, there, PORT);
    const ask = (...connections: readonly RedirectedConnection[]): Promise<Reply> =>
      session.serve({ type: 'end-stranded', id: 13, connections });
    const to = (originator: Endpoint, destination: Endpoint): RedirectedConnection => ({
      originator,
      destination,
    });
    expect(
      await ask(to(ours, there), to(own, there6), to(moved, there), to(ours, at('10.99.0.2', 80))),
    ).toEqual({
      type: 'stranded',
      id: 13,
      fates: ['told', 'told', 'unsupported', 'unsupported'],
    });
    // Another program has flushed them: what the kernel sends for us is let back no more.
    fake.forget(ours);
    expect(await ask(to(ours, there))).toMatchObject({ fates: ['unsupported'] });
    for (const [errno, answer] of [
      [7, { fates: ['joined'] }],
      [1, { type: 'failed', reason: expect.stringContaining('pf does not tell') }],
    ] as const) {
      edit(fake, (kernel) => {
        kernel.natlookErrno = errno;
      });
      expect(await ask(to(own, there6))).toMatchObject(answer);
    }
    expectNothingForeign(fake);
    expect(
      fake.kernel.commands.filter((command) => command.includes(' -k')),
      'states are the way back',
    ).toEqual([]);
    await session.end('client ended');
  });

  it('leaves the states when it ends: they bring applications what the kernel sends them', async () => {
    const fake = kernelFor(platform);
    const { session } = await applied(fake);
    fake.connect(at('10.0.2.15', 13_960), at('10.99.0.1', 80), PORT);
    await session.end('client ended');
    expect(fake.ours()).toEqual([]);
    expect(fake.kernel.states).toHaveLength(1);
    expect(fake.kernel.commands.filter((command) => / -k| -F states/.test(command))).toEqual([]);
  });

  it('does not guess where the states have two destinations, unless one of them is over', async () => {
    const fake = kernelFor(platform);
    const { session } = await applied(fake);
    const originator = at('10.0.2.15', 13_960);
    fake.connect(originator, at('10.99.0.1', 80), PORT);
    fake.connect(originator, at('10.99.0.2', 80), PORT);
    edit(fake, (kernel) => {
      kernel.natlookErrno = 25;
    });
    const ask: Request = { type: 'look-up', id: 11, originators: [originator] };
    expect(await session.serve(ask)).toMatchObject({ results: [{ kind: 'ambiguous' }] });
    edit(fake, (kernel) => {
      kernel.states = kernel.states.map((state, index) =>
        index === 0 ? { ...state, phase: 'TIME_WAIT:TIME_WAIT' } : state,
      );
    });
    expect(await session.serve(ask)).toMatchObject({
      results: [{ kind: 'found', destination: at('10.99.0.2', 80) }],
    });
    await session.end('client ended');
  });

  it('says when pf has hardly room for more connections, once', async () => {
    const fake = kernelFor(platform);
    const { session, warnings, look } = await applied(fake);
    await look();
    expect(warnings).toEqual([]);
    for (const share of [0.85, 0.95, 0.1, 0.9]) {
      edit(fake, (kernel) => {
        kernel.otherStates = share * kernel.stateLimit;
      });
      await look();
    }
    expect(warnings).toEqual([
      expect.stringContaining('set limit states'),
      expect.stringContaining('set limit states'),
    ]);
    expect(await session.serve({ type: 'look', id: 12 })).toMatchObject({
      facts: { ownRules: true, packetFilter: { states: { current: fake.kernel.otherStates } } },
    });
    await session.end('client ended');
  });

  it('sees what keeps connections from arriving', async () => {
    const fake = kernelFor(platform);
    const { session } = await applied(fake);
    expect(await session.serve({ type: 'look', id: 12 })).toMatchObject({
      facts: { ownRules: true, packetFilter: { isEnabled: true, skipsLoopback: false, earlier: [] } },
    });
    edit(fake, (kernel) => {
      kernel.skipsLoopback = true;
      kernel.main.filter.lines.unshift('pass out quick all flags S/SA keep state', 'pass in quick all');
    });
    expect(await session.serve({ type: 'look', id: 12 })).toMatchObject({
      facts: {
        packetFilter: { skipsLoopback: true, earlier: ['pass out quick all flags S/SA keep state'] },
      },
    });
    edit(fake, (kernel) => {
      kernel.main.filter.lines.shift();
      for (const [name, rule] of [
        ['200.AirDrop', 'pass in quick on en0 all'],
        ['250.vpn', 'block drop out quick all'],
        ['vpn', 'block drop out quick all'],
      ]) {
        const filter = { lines: [rule ?? ''], ticket: 1 };
        kernel.anchors[`com.apple/${name}`] = { rdr: { lines: [], ticket: 1 }, filter, tables: [] };
      }
    });
    // On FreeBSD nothing calls them.
    expect(await session.serve({ type: 'look', id: 12 })).toMatchObject({
      facts: { packetFilter: { earlier: platform === 'darwin' ? ['anchor "com.apple/250.vpn" all'] : [] } },
    });
    await session.end('client ended');
  });

  it('lets another tunnel live beside it, and no other have its name', async () => {
    const fake = kernelFor(platform);
    const first = await applied(fake);
    const same = openSession(fake);
    await same.session.serve(use);
    expect(await same.session.serve(apply)).toMatchObject({
      type: 'failed',
      reason: expect.stringMatching(/another tunnel of this user .*process \d+/),
    });
    const second = openSession(fake);
    await second.session.serve(use);
    await second.session.serve({ ...apply, plan: { ...plan, listenerPort: PORT + 1 } });
    expect(fake.kernel.anchors[anchorOf(platform, PORT + 1)]!.filter.lines.join('\n')).toContain(
      'port { 1:39999, 40001:65535 }',
    );
    expect(await second.session.serve({ type: 'look', id: 3 })).toMatchObject({ facts: { ownRules: true } });
    await same.session.end('client ended');
    await first.session.end('client ended');
    expect(fake.ours()).toContain(`anchor ${anchorOf(platform, PORT + 1)}`);
    expect(fake.ours()).toContain('alias of lo0');
    expect(fake.kernel.isEnabled).toBe(true);
    await second.session.end('client ended');
    expect(fake.ours()).toEqual([]);
  });

  it('is not removed by the clean-up of another, which removes anchors that nobody has written down', async () => {
    const fake = kernelFor(platform);
    const { session, driver } = await applied(fake);
    const stray = anchorOf(platform, 4_711);
    fake.pfctl(['-a', stray, '-f', '-'], 'table <tsh_1> { 10.0.0.0/8 }\npass out quick all\n');
    const report = await cleanUpDeadInstances([driver]);
    expect(report).toMatchObject({
      removed: [`pf anchor ${stray}`],
      kept: [expect.stringContaining(`${anchorOf(platform)} (its instance is running)`)],
      failed: [],
      unread: [],
    });
    expect(fake.ours().join()).not.toContain('4711');
    expect(await session.serve({ type: 'look', id: 3 })).toMatchObject({ facts: { ownRules: true } });
    await session.end('client ended');
  });

  it('says what it cannot undo, which the next clean-up does', async () => {
    const fake = kernelFor(platform);
    const { session, driver } = await applied(fake);
    edit(fake, (kernel) => {
      kernel.refusals = { '-F': 'pfctl: DIOCXBEGIN: Device busy' };
    });
    await expect(session.end('client ended')).rejects.toThrow('Device busy');
    expect(fake.ours().filter((one) => one.startsWith('token'))).toEqual([]);
    edit(fake, (kernel) => {
      kernel.refusals = {};
    });
    // Its record is locked as long as it lives, so that it may try again.
    await session.end('client ended');
    expect(fake.ours()).toEqual([]);
    expect((await cleanUpDeadInstances([driver])).failed).toEqual([]);
  });
});

describe('a dead helper on macOS', () => {
  it('whose token is not held any more, and one that was killed as it enabled pf', async () => {
    const fake = kernelFor('darwin');
    const stale = new PfRecords(join(fake.folder, 'run'));
    for (const token of ['4711', 'pending']) {
      const record = stale.create();
      record.write({ ...record.holdings, token, owner: { userId: 0, listenerPort: 7 } });
      record.close();
    }
    const { driver, warnings } = openSession(fake);
    edit(fake, (kernel) => {
      kernel.isEnabled = true;
      kernel.tokens = ['1'];
    });
    const report = await cleanUpDeadInstances([driver]);
    expect([report.removed.length, report.failed, report.unread]).toEqual([2, [], []]);
    expect(warnings).toEqual([expect.stringContaining('pfctl -s References')]);
    expect(fake.kernel).toMatchObject({ isEnabled: true, tokens: ['1'] });
    expect(records(fake)).toEqual([]);
  });

  it('of the first version, whose record knows nothing of zones, is undone by this one', async () => {
    const fake = kernelFor('darwin');
    const { session, driver } = openSession(fake);
    await session.serve(use);
    await session.serve(apply);
    const [name] = records(fake);
    const folder = join(fake.folder, 'run');
    const { zones, ...first } = JSON.parse(readFileSync(join(folder, name!), 'utf8'));
    expect(zones).toEqual([]);
    // The file of one that was killed: nobody has it locked.
    rmSync(join(folder, name!));
    writeFileSync(join(folder, name!), `${JSON.stringify(first)}\n`, { mode: 0o600 });
    const report = await cleanUpDeadInstances([driver]);
    expect(report).toMatchObject({ removed: [expect.stringContaining('pf anchor')], failed: [], unread: [] });
    expect([fake.ours(), records(fake)]).toEqual([[], []]);
  });

  it('whose record nobody can read is told, and not guessed at', async () => {
    const fake = kernelFor('darwin');
    const record = new PfRecords(join(fake.folder, 'run')).create();
    record.close();
    const [name] = records(fake);
    const { driver } = openSession(fake);
    const later = JSON.stringify({ ...JSON.parse(formatHoldings(NO_HOLDINGS)), ofALaterVersion: 1 });
    for (const text of ['{"token":', 'null', '[]', '{}', later]) {
      writeFileSync(join(fake.folder, 'run', name!), text);
      expect((await cleanUpDeadInstances([driver])).unread, text).toEqual([expect.stringContaining(name!)]);
    }
  });
});

const NO_RULES = { lines: [], ticket: 9 };

describe('probing', () => {
  it.each([
    ['freebsd', { isEnabled: false }, /pf is disabled.*service pf/],
    [
      'darwin',
      { main: { rdr: NO_RULES, filter: NO_RULES, tables: [] } },
      /no rdr-anchor "com.apple\/\*".*pfctl -f/,
    ],
    ['darwin', { refusals: { info: 'pfctl: /dev/pf: Permission denied' } }, /Permission denied/],
  ] as const)('on %s says why not', async (platform, change, reason) => {
    const fake = kernelFor(platform);
    edit(fake, (kernel) => void Object.assign(kernel, structuredClone(change)));
    const { session } = openSession(fake);
    expect(await session.serve({ type: 'start', id: 1, method: 'auto', families: [4] })).toMatchObject({
      facts: [{ kind: 'refused', reason: expect.stringMatching(reason) }],
    });
    expect(fake.ours()).toEqual([]);
  });

  it('is of no pf where there is none', async () => {
    const driver = pfDriver(() => ({ missing: 'pfctl' }));
    expect(await driver.probe('pf', [4])).toEqual({ kind: 'absent', candidate: 'pf', missing: 'pfctl' });
    await expect(async () => await driver.open('pf')).rejects.toThrow('pfctl is not installed');
    expect(await driver.findTunnels()).toEqual({ tunnels: [], unread: [] });
  });
});
