import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OPEN_FLOW } from '../../support/clients/open-flow.ts';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { changesSeen, watchRules } from '../../support/lab/rule-changes.ts';
import { until } from '../../support/process/until.ts';
import { startTshuttle, stopTshuttle } from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──ssh── bastion ── destination         the ssh connection goes, and comes back
 *  198.51.100.2   198.51.100.1                   10.77.0.2
 */

const SUBNET = '10.77.0.0/24';

const whoami = { do: 'whoami', host: ADDRESSES.destination4, port: 7000 } as const;

async function expectToWork(lab: Lab): Promise<void> {
  expect(await lab.application(whoami)).toMatchObject({ peer: ADDRESSES.bastionInner4 });
}

describe.skipIf(skipLab)('a bastion that is lost', () => {
  it('is connected again: what comes meanwhile waits, and no rule changes', async () => {
    await using lab = await createLab();
    const events = join(lab.directory, 'events');
    const onEvent = `echo "$TSHUTTLE_EVENT $TSHUTTLE_NAME: $TSHUTTLE_MESSAGE" >>'${events}'; sleep 60 & cat`;
    // The latest state is told: one that is over before its turn is none to tell of.
    const untilTold = (event: RegExp) =>
      until(async () => event.test(await readFile(events, 'utf8')), {
        deadlineMs: 10_000,
        what: `the command is told: ${event.source}`,
      });
    const tshuttle = await startTshuttle(lab, ['--on-event', onEvent, SUBNET]);
    await expectToWork(lab);
    const monitor = await watchRules(lab.client);
    const open = lab.client.spawn(['bash', '-c', OPEN_FLOW]);
    await open.untilOutput(/^open$/m);
    await lab.sshd.stop();
    await tshuttle.untilOutput(/lost the bastion.*connections are held/);
    await tshuttle.untilOutput(
      /with the bastion one open connection was lost, and reset: 10\.77\.0\.2:7000\b/,
    );
    await open.exited;
    const waiting = lab.application(whoami);
    await untilTold(/^lost /m);
    await lab.sshd.restart();
    expect(await waiting).toMatchObject({ peer: ADDRESSES.bastionInner4 });
    await tshuttle.untilOutput(/connected to root@198\.51\.100\.1.*again after/);
    await expectToWork(lab);
    await untilTold(/^back /m);
    expect(changesSeen(monitor)).toEqual([]);
    monitor.kill('SIGTERM');
    await monitor.exited;
    await stopTshuttle(lab, tshuttle);
    // What the command leaves behind is gone with it, or stopTshuttle had found it.
    expect((await readFile(events, 'utf8')).split('\n')).toEqual([
      expect.stringMatching(/^up root@198\.51\.100\.1: capturing 10\.77\.0\.0\/24 through /),
      expect.stringMatching(/^lost root@198\.51\.100\.1: lost the bastion/),
      expect.stringMatching(/^back root@198\.51\.100\.1: works again, after \d+ s$/),
      'down root@198.51.100.1: stopped as asked',
      '',
    ]);
  });

  it('is waited for no longer than --hold-seconds, without the rules going', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['--hold-seconds', '1', SUBNET]);
    await lab.sshd.stop();
    const result = await lab.application(whoami);
    expect(result).toMatchObject({ error: 'ECONNRESET' });
    expect(result.afterMs).toBeGreaterThan(500);
    expect(await lab.client.rules()).toContain('redirect');
    await stopTshuttle(lab, tshuttle);
  });

  it('--on-down reject: connections are reset at once, and the rules stay', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['--on-down', 'reject', SUBNET]);
    await lab.sshd.stop();
    await tshuttle.untilOutput(/lost the bastion/);
    expect(await lab.application(whoami)).toMatchObject({ error: 'ECONNRESET' });
    expect(await lab.client.rules()).toContain('redirect');
    await lab.sshd.restart();
    await tshuttle.untilOutput(/again after/, 40_000);
    await expectToWork(lab);
    await stopTshuttle(lab, tshuttle);
  });

  it('--on-down direct: nothing is captured until it is back', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['--on-down', 'direct', SUBNET]);
    await lab.sshd.stop();
    await until(async () => !(await lab.client.rules()).includes('10.77.0.0'), {
      deadlineMs: 10_000,
      what: 'no rule captures',
    });
    // Nobody forwards to there: it is the bastion itself that answers for what comes past the tunnel.
    await lab.bastion.ip('addr add 10.77.0.2/32 dev lo');
    expect(await lab.application(whoami)).toMatchObject({ error: 'ECONNREFUSED' });
    await lab.bastion.ip('addr del 10.77.0.2/32 dev lo');
    await lab.sshd.restart();
    await tshuttle.untilOutput(/again after/, 40_000);
    await until(async () => (await lab.client.rules()).includes('10.77.0.0'), {
      deadlineMs: 10_000,
      what: 'it is captured again',
    });
    await expectToWork(lab);
    await stopTshuttle(lab, tshuttle);
  });
});

/** How often sshd was connected to. */
function logins(lab: Lab): number {
  return lab.sshd
    .log()
    .split('\n')
    .filter((line) => /Connection from/.test(line)).length;
}

describe.skipIf(skipLab)('a bastion that does not let us in any more', () => {
  it('is asked once, until the user acts', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [SUBNET]);
    await lab.sshd.stop();
    const before = logins(lab);
    await lab.sshd.restart(['AuthorizedKeysFile none']);
    await tshuttle.untilOutput(/refused the login.*not tried again before you log in/);
    expect(await lab.application({ ...whoami, timeoutMs: 5_000 })).toMatchObject({ error: 'TIMEOUT' });
    expect(logins(lab) - before).toBe(1);
    await stopTshuttle(lab, tshuttle);
  });
});

describe.skipIf(skipLab)('a bastion that hangs up when it is idle', () => {
  it('is connected again by the next connection', async () => {
    await using lab = await createLab({ sshd: ['UnusedConnectionTimeout 6'] });
    const tshuttle = await startTshuttle(lab, ['-v', SUBNET]);
    await expectToWork(lab);
    await tshuttle.untilOutput(/nothing was carried, and the next flow has it connected again/, 60_000);
    const before = logins(lab);
    await expectToWork(lab);
    expect(logins(lab) - before).toBe(1);
    expect(tshuttle.stderr).not.toMatch(/connections are held/);
    await stopTshuttle(lab, tshuttle);
  });
});
