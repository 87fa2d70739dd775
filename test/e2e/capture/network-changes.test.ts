import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { isLong } from '../../support/lab/long.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import type { Child } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { startDnsmasq } from '../../support/servers/dnsmasq.ts';
import { startTshuttle, stopTshuttle, tshuttleProcesses } from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──ssh── bastion ── destination         the network in between changes, or the machine sleeps
 *  198.51.100.2   198.51.100.1                   10.77.0.2
 */

const SUBNET = '10.77.0.0/24';
const OTHER_CLIENT = '198.51.100.22';
const OTHER_BASTION = '198.51.100.7';
const BASTION_NAME = 'gate.example';
/** How soon tshuttle is connected again when there is a network again. */
const BACK_WITHIN_MS = isLong ? 3_000 : 5_000; // CI's machine is busy with other tests
/** How long the network is away at least, and how long the machine sleeps. */
const OUTAGE_MS = isLong ? 40_000 : 0;
const SLEEP_MS = isLong ? 60_000 : 5_000;

const whoami = { do: 'whoami', host: ADDRESSES.destination4, port: 7000 } as const;

async function expectToWork(lab: Lab): Promise<void> {
  expect(await lab.application(whoami)).toMatchObject({ peer: ADDRESSES.bastionInner4 });
}

/** The client's port of the one ssh connection. */
async function sshPort(lab: Lab): Promise<string> {
  const connections = await lab.client.must(['ss', '-Htn', 'state', 'established', 'dport = :22']);
  const [, port] = /:(\d+)\s+\S+:22\b/.exec(connections) ?? [];
  if (port === undefined) throw new Error(`no ssh connection in: ${connections}`);
  return port;
}

/** From now on the bastion gets nothing of what `match` says of what comes from the client. @returns what ends that */
async function drop(lab: Lab, match = ''): Promise<() => Promise<unknown>> {
  const chain = 'type filter hook prerouting priority -400;';
  await lab.bastion.must([
    'nft',
    `add table inet outage; add chain inet outage before { ${chain} }; add rule inet outage before iifname outer0 ${match} drop`,
  ]);
  return () => lab.bastion.must(['nft', 'delete table inet outage']);
}

async function takeOtherAddress(lab: Lab): Promise<void> {
  await lab.client.ip(`addr del ${ADDRESSES.client4}/24 dev up0`);
  await lab.client.ip(`addr add ${OTHER_CLIENT}/24 dev up0`);
  await lab.client.ip(`route add default via ${ADDRESSES.bastion4}`);
}

/** Waits until tshuttle has said so, and checks that it took no longer than it may. */
async function expectToBeBack(tshuttle: Child, sinceMs: number, count = 1): Promise<void> {
  await until(() => tshuttle.stderr.match(/again after/g)?.length === count, {
    deadlineMs: 20_000,
    what: () => `connected again:\n${tshuttle.stderr}`,
  });
  const afterMs = performance.now() - sinceMs;
  if (isLong) console.log(`back after ${Math.round(afterMs)} ms`);
  expect(afterMs, tshuttle.stderr).toBeLessThan(BACK_WITHIN_MS);
}

describe.skipIf(skipLab)('a network that changes', { timeout: 120_000 }, () => {
  it('has IPv6 only after the start: that is captured then, too', async () => {
    await using lab = await createLab();
    const ipv6 = (state: 'on' | 'off') =>
      lab.client.must(['sysctl', '-qw', `net.ipv6.conf.all.disable_ipv6=${state === 'on' ? 0 : 1}`]);
    await ipv6('off');
    const tshuttle = await startTshuttle(lab, [SUBNET, `${ADDRESSES.destination6}/128`]);
    await expectToWork(lab);
    await ipv6('on');
    await lab.client.ip(`-6 addr replace ${ADDRESSES.client6}/64 dev up0 nodad`);
    await lab.client.ip(`-6 route replace default via ${ADDRESSES.bastion6}`);
    const peers: unknown[] = [];
    await until(
      async () => {
        const seen = await lab
          .application({ do: 'whoami', host: ADDRESSES.destination6, port: 7000, timeoutMs: 2_000 })
          .catch(() => undefined);
        peers.push(seen);
        return seen?.['peer'] === ADDRESSES.bastionInner6;
      },
      {
        deadlineMs: 20_000,
        what: () => `IPv6 is captured: ${JSON.stringify(peers.at(-1))}\n${tshuttle.stderr}`,
      },
    );
    await stopTshuttle(lab, tshuttle);
  });

  it('is back after an outage, with another address: so is the tunnel, though it had waited for long', async () => {
    await using lab = await createLab();
    const keepalive = ['-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=2'];
    const tshuttle = await startTshuttle(lab, ['-v', ...keepalive, SUBNET]);
    await expectToWork(lab);
    const endOutage = await drop(lab);
    const outageBeganMs = performance.now();
    // The lab's addresses may have been new a moment ago, which is a change of the network as well.
    await tshuttle.untilOutput(/(?:lost the|nothing heard from) bastion.*connections are held/, 20_000);
    await until(() => tshuttle.stderr.match(/not connected/g)?.length === 2, {
      deadlineMs: 40_000,
      what: () => `attempts have become rare:\n${tshuttle.stderr}`,
    });
    await delay(outageBeganMs + OUTAGE_MS - performance.now());
    expect(await lab.client.rules()).toContain('redirect');
    await endOutage();
    const backAtMs = performance.now();
    await takeOtherAddress(lab);
    await expectToBeBack(tshuttle, backAtMs);
    await expectToWork(lab);
    await stopTshuttle(lab, tshuttle);
  });

  it('is noticed at once, not by the keepalive; one that leaves the way open costs no flow', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['-vv', SUBNET]);
    const before = await sshPort(lab);
    await lab.client.ip(`route add 203.0.113.0/24 via ${ADDRESSES.bastion4}`);
    await tshuttle.untilOutput(/the network of this machine has changed/);
    await expectToWork(lab);

    // The way over which this connection went takes nothing any more; a new connection finds another.
    await drop(lab, `tcp sport ${before}`);
    const changedAtMs = performance.now();
    await lab.client.ip('route del 203.0.113.0/24');
    await expectToBeBack(tshuttle, changedAtMs);
    expect(tshuttle.stderr.match(/lost the bastion/g)).toHaveLength(1);

    const movedAtMs = performance.now();
    await takeOtherAddress(lab);
    await expectToBeBack(tshuttle, movedAtMs, 2);
    await expectToWork(lab);
    await stopTshuttle(lab, tshuttle);
  });
});

describe.skipIf(skipLab)('a machine that sleeps', { timeout: 120_000 }, () => {
  it('has its tunnel back when it wakes, where its connection is forgotten on the way', async () => {
    await using lab = await createLab();
    const keepalive = ['-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=4'];
    const tshuttle = await startTshuttle(lab, ['-vv', ...keepalive, SUBNET]);
    const { main, helper } = await tshuttleProcesses(lab);
    const connection = await sshPort(lab);
    for (const pid of [helper, main]) process.kill(pid, 'SIGSTOP');
    await drop(lab, `tcp sport ${connection}`);
    // It is longer than the keepalive's patience that is wanted here, and nothing else tells of that.
    await delay(SLEEP_MS);
    const wokeAtMs = performance.now();
    for (const pid of [helper, main]) process.kill(pid, 'SIGCONT');
    await expectToBeBack(tshuttle, wokeAtMs);
    expect(tshuttle.stderr).toMatch(/this machine has slept/);
    await expectToWork(lab);
    await stopTshuttle(lab, tshuttle);
  });
});

describe.skipIf(skipLab)('a bastion that is known by a name', () => {
  it('is found where it has moved to, with all names and addresses captured', async () => {
    await using lab = await createLab();
    const inner = 'database.inner.example';
    await startDnsmasq(lab, lab.destination, {
      name: 'inner',
      listenAddress: ADDRESSES.destination4,
      hosts: [`${ADDRESSES.destination4} ${inner}`],
      ttlSeconds: 0,
    });
    const outer = await startDnsmasq(lab, lab.client, {
      name: 'outer',
      listenAddress: '127.0.0.1',
      hosts: [`${ADDRESSES.bastion4} ${BASTION_NAME}`],
    });
    const trust = [`UserKnownHostsFile=${lab.sshd.knownHosts}`, 'HostKeyAlias=bastion.lab'];
    const sshOptions = ['-i', lab.sshd.userKey, ...trust.flatMap((option) => ['-o', option])];
    const remote = `root@${BASTION_NAME}`;
    const args = ['-v', '--dns', '--to-ns', ADDRESSES.destination4, '0/0'];
    const tshuttle = await startTshuttle(lab, args, { remote, sshOptions });
    const dig = async (...words: string[]) =>
      await lab.client.must(['dig', '+time=15', '+tries=1', ...words, inner]);
    expect(await dig('+short')).toBe(`${ADDRESSES.destination4}\n`);

    await lab.sshd.stop();
    await tshuttle.untilOutput(/lost the bastion.*connections are held/);
    expect(await dig(), 'an answer, before a resolver of the client gives up').toContain('status: SERVFAIL');
    const waiting = lab.application(whoami);
    await lab.bastion.ip(`addr del ${ADDRESSES.bastion4}/24 dev outer0`);
    await lab.bastion.ip(`addr add ${OTHER_BASTION}/24 dev outer0`);
    await lab.sshd.restart([`ListenAddress ${OTHER_BASTION}`]);
    await outer.setHosts([`${OTHER_BASTION} ${BASTION_NAME}`]);
    const movedAtMs = performance.now();
    await expectToBeBack(tshuttle, movedAtMs);
    expect(await waiting).toMatchObject({ peer: ADDRESSES.bastionInner4 });
    expect(await dig('+short')).toBe(`${ADDRESSES.destination4}\n`);
    await stopTshuttle(lab, tshuttle);
  });
});
