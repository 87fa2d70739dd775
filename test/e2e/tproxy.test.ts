import { expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT } from '../support/lab/lab.ts';
import { ORDINARY_USER } from '../support/lab/machine.ts';
import { skipLab } from '../support/lab/requirements.ts';
import { until } from '../support/process/until.ts';
import { startDnsmasq } from '../support/servers/dnsmasq.ts';
import {
  expectNothingLeft,
  startTshuttle,
  stopTshuttle,
  tshuttleProcesses,
} from '../support/tshuttle/tshuttle.ts';

const MEBIBYTE = 1024 * 1024;
const NAME = 'database.inner.example';
const user = ORDINARY_USER.name;
const { destination4, destination6, otherDestination4 } = ADDRESSES;

it.skipIf(skipLab)(
  '--method tproxy, by sudo: bytes, DNS, excludes, IPv6, many at once, and every end',
  async () => {
    await using lab = await createLab();
    await startDnsmasq(lab, lab.destination, {
      name: 'inner',
      listenAddress: destination4,
      hosts: [`${destination4} ${NAME}`],
      options: ['--local=/inner.example/'],
    });
    const routes = async (): Promise<string> =>
      (await lab.client.ip('-4 rule show pref 116')) + (await lab.client.ip('-6 rule show pref 116'));
    const dns = ['--dns', '--to-ns', destination4];
    const args = ['--method', 'tproxy', ...dns, '10.77.0.0/24', 'fd77::/64', '-x', otherDestination4];
    // The strictest that there is: packets by lo are not asked where they would go back to.
    await lab.client.must(['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1']);

    const tshuttle = await startTshuttle(lab, args, { user });
    expect(tshuttle.stdout).toContain('by tproxy');
    for (const [host, peer] of [
      [destination4, ADDRESSES.bastionInner4],
      [destination6, ADDRESSES.bastionInner6],
    ] as const) {
      const whoami = await lab.application({ do: 'whoami', host, port: 7001 });
      expect(whoami).toMatchObject({ peer, local: host, port: 7001 });
      const both = await lab.application({ do: 'both', host, port: 7000, bytes: 4 * MEBIBYTE });
      expect(both).toMatchObject({ exact: true });
      const late = await lab.application({ do: 'farewell', host, port: 7000, bytes: MEBIBYTE });
      expect(late).toMatchObject({ exact: true, sent: MEBIBYTE });
      const many = await lab.application({ do: 'http', host, port: HTTP_PORT, count: 200, concurrency: 200 });
      expect(many).toMatchObject({ succeeded: 200, failures: {}, peers: [peer] });
    }
    for (const protocol of ['+notcp', '+tcp']) {
      const argv = ['dig', '+short', '+time=3', '+tries=1', protocol, NAME];
      expect(await lab.client.must(argv)).toBe(`${destination4}\n`);
    }
    const excluded = await lab.application({
      do: 'whoami',
      host: otherDestination4,
      port: 7000,
      timeoutMs: 1_000,
    });
    expect(excluded.error).toMatch(/TIMEOUT|EHOSTUNREACH|ENETUNREACH/);
    expect(await routes()).not.toBe('');
    await stopTshuttle(lab, tshuttle);
    expect(await routes()).toBe('');

    const again = await startTshuttle(lab, args, { user });
    const { main, sudo, helper } = await tshuttleProcesses(lab);
    for (const pid of [main, sudo, helper]) process.kill(pid!, 'SIGKILL');
    await expectNothingLeft(lab);
    await until(async () => (await routes()) === '', { deadlineMs: 2_000, what: 'no routing rule left' });
    await again.exited;
  },
);
