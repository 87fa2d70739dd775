import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { OPEN_FLOW } from '../../support/clients/open-flow.ts';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import {
  expectNothingLeft,
  runTshuttle,
  startTshuttle,
  stopTshuttle,
  type TshuttleProcesses,
  tshuttleProcesses,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client: tshuttle ── sudo ── helper ── rules      every one of them is ended in every way
 *     └──ssh── bastion ── destination 10.77.0.2
 */

const SUBNET = '10.77.0.0/24';
const user = ORDINARY_USER.name;

async function expectToWork(lab: Lab): Promise<void> {
  const result = await lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7000 });
  expect(result).toMatchObject({ peer: ADDRESSES.bastionInner4 });
}

async function expectNewStartToWork(lab: Lab, args: readonly string[], options = {}): Promise<void> {
  const again = await startTshuttle(lab, args, options);
  await expectToWork(lab);
  await stopTshuttle(lab, again);
}

const endings: ReadonlyArray<{
  readonly what: string;
  readonly signal: NodeJS.Signals;
  readonly to: (processes: TshuttleProcesses) => readonly (number | undefined)[];
  readonly code?: number;
}> = [
  { what: 'SIGTERM', signal: 'SIGTERM', to: ({ main }) => [main], code: 0 },
  { what: 'SIGINT', signal: 'SIGINT', to: ({ main }) => [main], code: 130 },
  { what: 'Ctrl-C, which a terminal sends to all', signal: 'SIGINT', to: ({ all }) => all, code: 130 },
  { what: 'Ctrl-\\, which a terminal sends to all', signal: 'SIGQUIT', to: ({ all }) => all, code: 130 },
  { what: 'SIGKILL of the main process', signal: 'SIGKILL', to: ({ main }) => [main] },
];

describe.skipIf(skipLab)('with nft and sudo, nothing is left within 2 s and a new start works after', () => {
  it.each(endings)('$what', async ({ signal, to, code }) => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [SUBNET], { user });
    await expectToWork(lab);
    const processes = await tshuttleProcesses(lab);
    expect(processes.sudo, 'a sudo process').toBeDefined();

    for (const pid of to(processes)) if (pid !== undefined) process.kill(pid, signal);
    await expectNothingLeft(lab);
    const result = await tshuttle.exited;
    if (code !== undefined) expect(result, result.stderr).toMatchObject({ code });
    expect(result.stdout + result.stderr).not.toMatch(/\n\s+at .*:\d+/);
    await expectNewStartToWork(lab, [SUBNET], { user });
  });
});

/** What relays datagrams on the bastion: by what its interpreter was started with (relay-programs.ts). */
async function relays(lab: Lab): Promise<readonly number[]> {
  const pids = await lab.bastion.pids();
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids.filter((_, index) => /^(?:python3|perl)\0.*(?:os\.read|sysread)/s.test(commands[index]!));
}

it.skipIf(skipLab)(
  '--udp relay carries datagrams, and is gone within 2 s of SIGKILL of all at once',
  async () => {
    await using lab = await createLab();
    const DATAGRAMS = [process.execPath, 'test/support/clients/datagrams.entry.mjs'];
    const places = [
      [ADDRESSES.destination4, '53053'],
      [ADDRESSES.destination6, '443'],
    ] as const;
    for (const place of places)
      await lab.destination.spawn([...DATAGRAMS, 'serve', ...place]).untilOutput(/ready/);
    const tshuttle = await startTshuttle(lab, ['--udp', 'relay', SUBNET, 'fd77::/64'], { user });
    for (const place of places) {
      const output = await lab.client.must([...DATAGRAMS, 'ask', ...place, '1000'], { user });
      expect(JSON.parse(output)).toEqual({ sent: 1_000, exact: 1_000 });
    }
    await expectToWork(lab);
    const { stdout } = await lab.client.exec(['node', 'bin/tshuttle', 'status', '--json'], { user });
    const answered = { sent: 2_000, received: 2_000, dropped: 0 };
    expect(JSON.parse(stdout)).toMatchObject({ tunnels: [{ status: { udp: answered } }] });
    expect(await relays(lab)).toHaveLength(1);
    const { all } = await tshuttleProcesses(lab);
    for (const pid of all) process.kill(pid, 'SIGKILL');
    await until(async () => (await relays(lab)).length === 0, { deadlineMs: 2_000, what: 'no relay' });
    await expectNothingLeft(lab);
    await tshuttle.exited;
  },
);

// Of whoever is not root no such rules are set where nft can have others.
describe.skipIf(skipLab)('with iptables, as root', () => {
  it.each(endings.filter(({ what }) => /Ctrl-C|SIGKILL/.test(what)))(
    'nothing is left within 2 s after $what',
    async ({ signal, to }) => {
      await using lab = await createLab();
      const tshuttle = await startTshuttle(lab, ['--method', 'iptables', SUBNET]);
      await expectToWork(lab);
      for (const pid of to(await tshuttleProcesses(lab))) if (pid !== undefined) process.kill(pid, signal);
      await expectNothingLeft(lab);
      await tshuttle.exited;
    },
  );

  it('`tshuttle cleanup` cleans what SIGKILL of all at once has left', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['--method', 'iptables', SUBNET]);
    // The last one would remove the rules of the helper.
    for (const pid of (await tshuttleProcesses(lab)).all.toReversed()) process.kill(pid, 'SIGKILL');
    await tshuttle.exited;
    expect(await lab.client.rules()).toMatch(/REDIRECT|redirect/);
    const result = await lab.client.exec(['node', 'bin/tshuttle', 'cleanup']);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    await expectNothingLeft(lab);
  });

  it('`tshuttle cleanup` leaves a running tshuttle alone', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['--method', 'iptables', SUBNET]);
    await lab.client.must(['node', 'bin/tshuttle', 'cleanup']);
    await expectToWork(lab);
    await stopTshuttle(lab, tshuttle);
  });
});

/** An application that connects, asks for nothing, and tells how its connection ends. */
const IDLE_APPLICATION = `
  const socket = require('node:net').connect(7000, '${ADDRESSES.destination4}');
  socket.on('connect', () => console.log('connected'));
  socket.on('error', (error) => console.log(error.code));
  socket.on('end', () => console.log('end'));
`;

describe.skipIf(skipLab)('an open connection', () => {
  it.each(['nft', 'iptables'])('is reset when tshuttle is stopped (%s)', async (method) => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['--method', method, '-v', SUBNET], { user });
    const application = lab.client.spawn(['node', '-e', IDLE_APPLICATION]);
    await application.untilOutput(/connected/);
    await stopTshuttle(lab, tshuttle);
    await application.untilOutput(/ECONNRESET/, 2_000);
  });
});

describe.skipIf(skipLab)('when the bastion goes away', () => {
  it('--on-down exit says so, and which connections end with it, and leaves nothing behind', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['--on-down', 'exit', SUBNET]);
    const application = lab.client.spawn(['bash', '-c', OPEN_FLOW]);
    await application.untilOutput(/^open$/m);
    await lab.sshd.stop();
    const result = await tshuttle.exited;
    expect(result, result.stderr).toMatchObject({ code: 75 });
    expect(result.stderr).toMatch(
      /with the bastion one open connection was lost, and reset: 10\.77\.0\.2:7000\b/,
    );
    await application.exited;
    await expectNothingLeft(lab);
    await lab.sshd.restart();
    const ended = await runTshuttle(lab, ['--dry-run', SUBNET]);
    expect(ended.code, ended.stderr).toBe(0);
  });

  it('a stop ends what waits for it', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [SUBNET]);
    await lab.sshd.stop();
    await tshuttle.untilOutput(/connections are held/);
    const application = lab.client.spawn(['node', '-e', IDLE_APPLICATION]);
    await application.untilOutput(/connected/);
    await stopTshuttle(lab, tshuttle);
    await application.untilOutput(/ECONNRESET/, 2_000);
  });
});
