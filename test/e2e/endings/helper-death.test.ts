import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { isLong } from '../../support/lab/long.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import type { Child } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import {
  type ClientProcess,
  clientProcesses,
  expectNothingLeft,
  startTshuttle,
  stopTshuttle,
  tshuttleProcesses,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client: tshuttle ── sudo ── helper ── rules      the helper ends, and nothing else does
 *     └──ssh── bastion ── destination 10.77.0.2
 */

const SUBNET = '10.77.0.0/24';
const BACK = /the root helper ended with .*; another one runs, and its rules are back after (\S+) s/g;
const user = ORDINARY_USER.name;

async function expectToWork(lab: Lab): Promise<void> {
  const result = await lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7000 });
  expect(result).toMatchObject({ peer: ADDRESSES.bastionInner4 });
}

async function killHelper(lab: Lab): Promise<void> {
  process.kill((await tshuttleProcesses(lab)).helper, 'SIGKILL');
}

/** @returns after how many seconds, each time */
async function untilBack(tshuttle: Child, times = 1): Promise<number[]> {
  const found = () => [...tshuttle.stderr.matchAll(BACK)].map(([, seconds]) => Number(seconds));
  await until(() => found().length >= times, {
    deadlineMs: 12_000,
    what: () => `rules that are back: ${tshuttle.stderr}`,
  });
  return found();
}

/**
 * An application that has one connection, and says what is answered there again and again. One that is reset, as it is when an
 * answer comes while there are no rules, is made anew.
 */
const STEADY_APPLICATION = `
  let socket;
  const connect = () => {
    socket = require('node:net').connect({ port: 7000, host: '${ADDRESSES.destination4}' });
    socket.write('{"do":"echo"}\\n');
    socket.on('data', (bytes) => console.log('got ' + bytes));
    socket.on('error', (error) => {
      console.log(error.code);
      setTimeout(connect, 100);
    });
  };
  connect();
  let sent = 0;
  setInterval(() => socket.writable && socket.write(String(++sent) + ' '), 100);
`;

describe.skipIf(skipLab)('a helper that is killed', () => {
  it.each([
    ['nft', 'root', undefined],
    ['nft', 'an ordinary user who need not type a password', user],
    ['iptables', 'root', undefined],
  ])('%s, %s: another one has its rules back, and applications go on', async (method, _who, as) => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(
      lab,
      ['--method', method, SUBNET],
      as === undefined ? {} : { user: as },
    );
    const application = lab.client.spawn(['node', '-e', STEADY_APPLICATION]);
    await application.untilOutput(/got \d/);
    const rules = await rulesWithoutInstance(lab);
    await killHelper(lab);
    const [seconds] = await untilBack(tshuttle);
    if (isLong) console.log(`${method}: rules back after ${seconds} s`);
    expect(seconds).toBeLessThan(isLong ? 1 : 5); // CI's machine is busy with other tests
    expect(await rulesWithoutInstance(lab)).toEqual(rules);
    await expectToWork(lab);
    const answers = () => application.stdout.split('got').length;
    const before = answers();
    // TCP on either side sends again after ever longer pauses.
    await until(() => answers() > before + 2, {
      deadlineMs: 40_000,
      what: () => `the connection goes on: ${application.stdout.slice(-300)}`,
    });
    application.kill('SIGKILL');
    await application.exited;
    expect(await untilBack(tshuttle)).toHaveLength(1);
    await stopTshuttle(lab, tshuttle);
  });

  it('status does not say up before the rules are back', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [SUBNET]);
    const status = async () => (await lab.client.exec(['node', 'bin/tshuttle', 'status'])).stdout;
    expect(await status()).toMatch(/ up /);
    const { helper: first } = await tshuttleProcesses(lab);
    process.kill(first, 'SIGKILL');
    // The next one is kept from going on for as long as it takes to ask.
    const second = await until(() => helperOtherThan(lab, first), {
      deadlineMs: 10_000,
      what: () => `another helper: ${tshuttle.stderr}`,
    });
    process.kill(second, 'SIGSTOP');
    expect(await lab.client.rules()).not.toContain('redirect');
    expect(await status()).toMatch(/ no rules /);
    process.kill(second, 'SIGCONT');
    await untilBack(tshuttle);
    expect(await lab.client.rules()).toContain('redirect');
    expect(await status()).toMatch(/ up /);
    await stopTshuttle(lab, tshuttle);
  });

  it('a route for synthetic addresses is back, too', async () => {
    await using lab = await createLab();
    for (const family of ['-4', '-6']) await lab.client.must(['ip', family, 'route', 'del', 'default']);
    const tshuttle = await startTshuttle(lab, ['--domain', 'inner.example']);
    const route = () => lab.client.must(['ip', 'route', 'show', 'root', '198.18.0.0/15']);
    const before = await route();
    expect(before).toMatch(/^198\.18\.\d+\.0\/19 dev tshuttle/);
    await killHelper(lab);
    await untilBack(tshuttle);
    expect(await route()).toBe(before);
    await stopTshuttle(lab, tshuttle);
  });

  it('ends the tunnel where a password would be asked for', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [SUBNET], { user });
    await writeFile(join(lab.machine.directory, 'etc', 'sudoers'), `${user} ALL=(ALL) ALL\n`);
    await killHelper(lab);
    const result = await tshuttle.exited;
    expect(result, result.stderr).toMatchObject({ code: 71 });
    expect(result.stderr).toMatch(/was not started again: .*password is required/);
    expect(result.stderr).toMatch(/tshuttle sudoers --install/);
    await expectNothingLeft(lab);
  });

  it('ends the tunnel when it happens again and again', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [SUBNET]);
    let isOver = false;
    void tshuttle.exited.then(() => {
      isOver = true;
    });
    await until(
      async () => {
        for (const { pid } of await helpers(lab)) process.kill(pid, 'SIGKILL');
        return isOver;
      },
      { deadlineMs: 20_000, what: () => `tshuttle ends: ${tshuttle.stderr}` },
    );
    const result = await tshuttle.exited;
    expect(result, result.stderr).toMatchObject({ code: 71 });
    expect(result.stderr).toMatch(/it ended 3 times within 10 s/);
    await expectNothingLeft(lab);
  });

  it('does not matter where it is sudo that is killed', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [SUBNET], { user });
    const { sudo } = await tshuttleProcesses(lab);
    process.kill(sudo ?? 0, 'SIGKILL');
    await untilBack(tshuttle);
    await expectToWork(lab);
    await stopTshuttle(lab, tshuttle);
  });
});

/** The helpers, started by root. */
async function helpers(lab: Lab): Promise<ClientProcess[]> {
  const processes = await clientProcesses(lab);
  return processes.filter(({ argv }) => argv.some((word) => word.includes('tshuttle-helper')));
}

async function helperOtherThan(lab: Lab, first: number): Promise<number | undefined> {
  return (await helpers(lab)).find(({ pid }) => pid !== first)?.pid;
}

/** Without which helper holds them, what they have counted, and an order that means nothing. */
async function rulesWithoutInstance(lab: Lab): Promise<string[]> {
  const rules = (await lab.client.rules()).replace(/\d+-\d+-\d+/g, 'INSTANCE').replace(/# .*/g, '');
  return rules
    .replace(/counter packets \d+ bytes \d+/g, 'counter')
    .split('\n')
    .sort();
}
