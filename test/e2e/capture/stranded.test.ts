import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import type { Child } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import {
  startTshuttle,
  stopTshuttle,
  tshuttleProcesses,
  untilSaid,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  application ── kernel's redirect ── tshuttle ──ssh── bastion ── destination
 *       └─ waits for data; its address, or the redirect, goes away
 */

const SUBNETS = ['10.77.0.0/24', 'fd77::/64'];
const OTHER_CLIENT = '198.51.100.22';
const PORT = 9100;
/** Whoever connects here has all that are connected to the other port get a word. */
const SPEAK_PORT = 9101;
const DESTINATION = `
  const { createServer } = require('node:net');
  const open = new Set();
  const serve = (socket) => {
    open.add(socket.on('error', () => {}).on('close', () => open.delete(socket)));
    socket.write('hello ');
    socket.on('data', (bytes) => socket.write('heard-' + bytes));
  };
  const speak = (socket) => {
    for (const one of open) one.write('word ');
    socket.end();
  };
  let starting = 2;
  const ready = () => --starting === 0 && console.log('ready');
  createServer(serve).listen(${PORT}, '::', ready);
  createServer(speak).listen(${SPEAK_PORT}, '::', ready);
`;
const APPLICATION = `
  const [host, port] = process.argv.slice(1);
  const socket = require('node:net').connect({ host, port });
  socket.on('data', (bytes) => console.log('got ' + bytes));
  socket.on('error', ({ code }) => console.log('failed ' + code));
  socket.on('end', () => console.log('ended')).on('close', () => process.exit());
  process.stdin.on('data', (bytes) => socket.write(bytes));
`;

async function startDestination(lab: Lab): Promise<void> {
  await lab.destination.spawn(['node', '-e', DESTINATION]).untilOutput(/ready/);
}

async function speak(lab: Lab): Promise<void> {
  await lab.destination.must(['bash', '-c', `: < /dev/tcp/127.0.0.1/${SPEAK_PORT}`]);
}

const VPN_ADDRESS = '172.30.0.2';

/** The way to the destination is a device with an address of its own. */
async function addVpn(lab: Lab): Promise<void> {
  await lab.client.ipEach([
    'link add vpn0 type veth peer name vpn1',
    'link set vpn0 up',
    'link set vpn1 up',
    `addr add ${VPN_ADDRESS}/24 dev vpn0`,
    'route add 10.77.0.0/24 dev vpn0',
  ]);
}

/** An application that is connected, has got its greeting, and waits. */
async function startApplication(
  lab: Lab,
  host: string = ADDRESSES.destination4,
  user?: string,
): Promise<Child> {
  const as = user === undefined ? {} : { user };
  const application = lab.client.spawn(['node', '-e', APPLICATION, host, `${PORT}`], {
    ...as,
    interactive: true,
  });
  await application.untilOutput(/got hello/);
  return application;
}

async function expectToFail(application: Child, code: RegExp, withinMs: number): Promise<void> {
  await until(() => code.test(application.stdout), {
    deadlineMs: withinMs,
    what: () => `${code} in: ${application.stdout}`,
  });
}

describe.skipIf(skipLab)('an application that no reset can reach', { timeout: 90_000 }, () => {
  it.each<[string, string[]]>([
    ['flushed', ['-F']],
    ['deleted', ['-D', '-p', 'tcp', '--dport', `${PORT}`]],
  ])('is told at once when its redirect is %s and the destination sends', async (_what, words) => {
    await using lab = await createLab();
    await startDestination(lab);
    const tshuttle = await startTshuttle(lab, ['-v', ...SUBNETS]);
    const application = await startApplication(lab);
    await lab.client.must(['conntrack', ...words]);
    await speak(lab);
    await expectToFail(application, /failed ECONNABORTED/, 3_000);
    await untilSaid(tshuttle, 'the kernel no longer redirects one open connection');
    expect(tshuttle.stderr).toMatch(/reset by the kernel: it no longer redirects this connection/);
    expect(tshuttle.stderr).not.toMatch(/reset by the application/);
    await stopTshuttle(lab, tshuttle);
  });

  it('is told also with IPv6, where no reset comes back to loopback; an ordinary user may have it so', async () => {
    await using lab = await createLab();
    await startDestination(lab);
    const user = ORDINARY_USER.name;
    const tshuttle = await startTshuttle(lab, ['-v', ...SUBNETS], { user });
    const mine = await startApplication(lab, ADDRESSES.destination6, user);
    const roots = await startApplication(lab, ADDRESSES.destination4);
    await lab.client.must(['conntrack', '-F']);
    await speak(lab);
    // Nothing shows that it was redirected, and it is not the caller's.
    await tshuttle.untilOutput(/the application was not told/);
    await expectToFail(mine, /failed ECONNABORTED/, 45_000);
    // The application may know before the log does.
    await tshuttle.untilOutput(/reset by the kernel: nothing reached the application any more/);
    expect(roots.stdout).not.toMatch(/failed/);
    roots.kill('SIGKILL');
    mine.kill('SIGKILL');
    await stopTshuttle(lab, tshuttle);
  });

  it('a quiet connection is not forgotten where a firewall has the tracker forget soon', async () => {
    await using lab = await createLab();
    await startDestination(lab);
    await lab.client.must(['conntrack', '-L']);
    const soonS = 6;
    await lab.client.must(['sysctl', '-qw', `net.netfilter.nf_conntrack_tcp_timeout_established=${soonS}`]);
    const tshuttle = await startTshuttle(lab, SUBNETS);
    const applications = [await startApplication(lab), await startApplication(lab, ADDRESSES.destination6)];
    await delay(1_500 * soonS);
    await speak(lab);
    for (const application of applications) {
      await application.untilOutput(/got word/);
      application.write('something');
      await application.untilOutput(/got heard-something/);
    }
    await stopTshuttle(lab, tshuttle);
  });

  it.each([
    ['', false],
    [', though the root helper is started again meanwhile', true],
  ])('is told that the bastion is lost when its address has become another%s', async (_how, killsHelper) => {
    await using lab = await createLab();
    await startDestination(lab);
    const tshuttle = await startTshuttle(lab, ['-v', ...SUBNETS]);
    const application = await startApplication(lab);
    await lab.client.ip(`addr del ${ADDRESSES.client4}/24 dev up0`);
    await lab.client.ip(`addr add ${OTHER_CLIENT}/24 dev up0`);
    await lab.client.ip(`route add default via ${ADDRESSES.bastion4}`);
    if (killsHelper) process.kill((await tshuttleProcesses(lab)).helper, 'SIGKILL');
    await tshuttle.untilOutput(/lost the bastion/);
    await expectToFail(application, /failed ECONNABORTED/, killsHelper ? 15_000 : 5_000);
    await untilSaid(tshuttle, 'it was ended here, as no reset could reach it');
    expect(tshuttle.stderr).toMatch(
      /reset: the bastion was lost; 198\.51\.100\.2 is no longer an address of this machine: the application's socket was ended here/,
    );
    await tshuttle.untilOutput(/again after/);
    await startApplication(lab);
    await stopTshuttle(lab, tshuttle);
  });

  it('is told when the device of its address is gone and the bastion lives', async () => {
    await using lab = await createLab();
    await startDestination(lab);
    await addVpn(lab);
    const tshuttle = await startTshuttle(lab, ['-v', ...SUBNETS]);
    const application = await startApplication(lab);
    expect(await lab.client.must(['ss', '-Htn', 'dst', ADDRESSES.destination4])).toContain(VPN_ADDRESS);
    await lab.client.ip('link del vpn0');
    await speak(lab);
    await expectToFail(application, /failed ECONNABORTED/, 45_000);
    await tshuttle.untilOutput(/reset by the kernel: 172\.30\.0\.2 is no longer an address of this machine/);
    expect(tshuttle.stderr).not.toMatch(/lost the bastion/);
    await stopTshuttle(lab, tshuttle);
  });

  it('goes on when the device and the address are back after 5 s, as one without tshuttle does', async () => {
    await using lab = await createLab();
    await startDestination(lab);
    await addVpn(lab);
    const tshuttle = await startTshuttle(lab, ['-v', ...SUBNETS]);
    const application = await startApplication(lab);
    await lab.client.ip('link del vpn0');
    await speak(lab);
    await delay(5_000);
    await addVpn(lab);
    await application.untilOutput(/got word/);
    application.write('something');
    await application.untilOutput(/got heard-something/);
    await stopTshuttle(lab, tshuttle);
  });

  it('goes on when the address of machine and bastion connection is back after 5 s, as with ssh -L', async () => {
    await using lab = await createLab();
    await startDestination(lab);
    const tshuttle = await startTshuttle(lab, ['-v', ...SUBNETS]);
    const options = ['-i', lab.sshd.userKey, '-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`];
    const forward = ['-F', 'none', ...options, '-NvL', `5000:${ADDRESSES.destination4}:${PORT}`];
    const ssh = lab.client.spawn(['ssh', ...forward, `root@${ADDRESSES.bastion4}`]);
    await ssh.untilOutput(/Entering interactive session/);
    const forwarded = lab.client.spawn(['node', '-e', APPLICATION, '127.0.0.1', '5000'], {
      interactive: true,
    });
    await forwarded.untilOutput(/got hello/);
    const application = await startApplication(lab);
    await lab.client.ip(`addr del ${ADDRESSES.client4}/24 dev up0`);
    await speak(lab);
    await delay(5_000);
    await lab.client.ip(`addr add ${ADDRESSES.client4}/24 dev up0`);
    await lab.client.ip(`route add default via ${ADDRESSES.bastion4}`);
    for (const one of [forwarded, application]) {
      await one.untilOutput(/got word/, 20_000);
      one.write('something');
      await one.untilOutput(/got heard-something/);
    }
    expect(tshuttle.stderr).not.toMatch(/lost the bastion/);
    for (const one of [forwarded, ssh]) {
      one.kill('SIGKILL');
      await one.exited;
    }
    await stopTshuttle(lab, tshuttle);
  });
});
