import { describe, expect, it } from 'vitest';
import type { TunnelReport } from '../../../src/daemon/control/protocol.ts';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import type { Child } from '../../support/process/child.ts';
import { expectNothingLeft, startTshuttle, stopTshuttle } from '../../support/tshuttle/tshuttle.ts';

const SUBNET = '10.77.0.0/24';
const BACK = /has removed redirect rules \(.*\); they are back/g;
const LOST = /has removed redirect rules \(.*\); they are not put back: .*; connections go past the tunnel/;

describe.skipIf(skipLab)('redirect rules that another program removes', () => {
  it('once: they are back, captured is captured, and log, status and doctor tell of it', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['--method', 'iptables', SUBNET]);
    await lab.client.must(['iptables', '-t', 'nat', '-F']);
    await tshuttle.untilOutput(BACK, 2_000);
    expect(await lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7000 })).toMatchObject({
      peer: ADDRESSES.bastionInner4,
    });
    expect(await status(lab)).toMatchObject({
      state: { kind: 'up' },
      lastError: {
        code: 'ERR_RULES_REMOVED',
        message: expect.stringMatching(/^iptables \(process \d+\) has removed/),
      },
    });
    expect(await lab.client.must(['node', 'bin/tshuttle', 'status'])).toMatch(/last error: .*they are back/);
    const doctor = await lab.client.must(['node', 'bin/tshuttle', 'doctor']);
    expect(doctor.replace(/\s+/g, ' ')).toMatch(
      /note tunnel \S+: last error: .*; they are back.* -> .*--method nft/,
    );
    expect(tshuttle.stderr.match(BACK)).toHaveLength(1);
    await stopTshuttle(lab, tshuttle);
  });

  it('again and again: there are no rules, and everything says so', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['--method', 'iptables', SUBNET]);
    await removeAgainAndAgain(lab, tshuttle);
    await tshuttle.untilOutput(LOST, 2_000);
    expect(await status(lab)).toMatchObject({ state: { kind: 'uncaptured', cause: 'removed' } });
    const { code, stdout: shown } = await lab.client.exec(['node', 'bin/tshuttle', 'status']);
    expect(code).toBe(2);
    expect(shown).toMatch(/ no rules [\s\S]*there are no redirect rules: connections go past the tunnel/);
    const doctor = await lab.client.exec(['node', 'bin/tshuttle', 'doctor']);
    expect(doctor.code).toBe(1);
    expect(doctor.stdout.replace(/\s+/g, ' ')).toMatch(
      /PROBLEM tunnel \S+: there are no redirect rules: .*iptables/,
    );
    await stopTshuttle(lab, tshuttle);
  });

  it('again and again, with --on-down exit: it ends', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['--method', 'iptables', '--on-down', 'exit', SUBNET]);
    await removeAgainAndAgain(lab, tshuttle);
    const result = await tshuttle.exited;
    expect(result, 'ERR_RULES_REMOVED').toMatchObject({ code: 75 });
    expect(result.stderr).toMatch(LOST);
    await expectNothingLeft(lab);
  });
});

/** Removes them five times, each time when they are back. */
async function removeAgainAndAgain(lab: Lab, tshuttle: Child): Promise<void> {
  for (let times = 0; times < 5; times += 1) {
    if (times > 0) await tshuttle.untilOutput(new RegExp(`(?:they are back[\\s\\S]*){${times}}`), 3_000);
    await lab.client.must(['iptables', '-t', 'nat', '-F']);
  }
}

async function status(lab: Lab): Promise<TunnelReport['status']> {
  const { stdout } = await lab.client.exec(['node', 'bin/tshuttle', 'status', '--json']);
  return (JSON.parse(stdout) as { tunnels: readonly TunnelReport[] }).tunnels[0]?.status ?? null;
}
