import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOOTED_REPOSITORY, BootedSystem } from '../../support/lab/booted-system.ts';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { BOOT_HOOK_TIMEOUT_MS } from '../../support/lab/system-root.ts';
import type { Child } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { type Dnsmasq, startDnsmasq } from '../../support/servers/dnsmasq.ts';
import { READY, tshuttleProcesses } from '../../support/tshuttle/tshuttle.ts';

/*
 * client: Debian with systemd-resolved ── bastion: dnsmasq on 198.51.100.1 knows *.public.example, one on 127.0.0.1
 *         /etc/resolv.conf: its stub              knows *.inner.example ── destination
 */

const NAME = 'db.inner.example';
const PUBLIC = 'www.public.example';

describe.skipIf(skipLab)('with systemd-resolved', () => {
  let lab: Lab;
  let system: BootedSystem;
  let outer: Dnsmasq;

  beforeAll(async () => {
    lab = await createLab();
    outer = await startDnsmasq(lab, lab.bastion, {
      name: 'outer',
      listenAddress: ADDRESSES.bastion4,
      hosts: [`192.0.2.80 ${PUBLIC}`],
      options: ['--local=/public.example/', '--local=/inner.example/'],
    });
    await startDnsmasq(lab, lab.bastion, {
      name: 'inner',
      listenAddress: '127.0.0.1',
      hosts: [`${ADDRESSES.destination4} ${NAME}`],
      options: ['--local=/inner.example/'],
    });
    system = await BootedSystem.boot(lab);
    await system.must(['resolvectl', 'dns', 'up0', ADDRESSES.bastion4]);
  }, BOOT_HOOK_TIMEOUT_MS);
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  const start = async (...options: string[]): Promise<Child> => {
    const { userKey, knownHosts } = lab.sshd;
    const tshuttle = system.spawn([
      ...['node', `${BOOTED_REPOSITORY}/bin/tshuttle`, '-r', `root@${ADDRESSES.bastion4}`],
      ...['-i', userKey, '-o', `UserKnownHostsFile=${knownHosts}`, ...options],
    ]);
    await tshuttle.untilOutput(READY, 20_000);
    return tshuttle;
  };
  const query = async (name: string): Promise<string> => {
    const { stdout, stderr } = await system.exec(['resolvectl', 'query', '--legend=no', name]);
    return stdout + stderr;
  };
  const state = async (): Promise<string> => {
    // Which of its nameservers it asks now is its own affair.
    const status = (await system.must(['resolvectl', 'status'])).replaceAll(
      /^ *Current DNS Server:.*\n/gm,
      '',
    );
    return `${status}${await lab.client.rules()}${await lab.client.ip('route show table all')}`;
  };
  /** As it stays: a system that has just been booted still gets addresses and routes; those of its link, once nobody else has them. */
  const settledState = async (): Promise<string> => {
    await until(async () => (await lab.client.ip('-6 addr show tentative')) === '', {
      deadlineMs: 10_000,
      what: 'duplicate address detection (RFC 4862 section 5.4) at its end',
    });
    let last = await state();
    for (;;) {
      await delay(500);
      const now = await state();
      if (now === last) return now;
      last = now;
    }
  };

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'names of a zone are answered, others as ever, and all is as before after %s',
    async (signal) => {
      expect(await query(NAME)).toContain('not found');
      const before = await settledState();
      const tshuttle = await start('--domain', 'inner.example');

      expect(await query(NAME)).toMatch(/198\.1[89]\./);
      expect(await system.must(['getent', 'ahostsv4', NAME])).toMatch(/^198\.1[89]\./);
      const fetched = `fetch('http://${NAME}:${HTTP_PORT}/').then((answer) => console.log(answer.status))`;
      expect(await system.must(['node', '-e', fetched])).toBe('200\n');
      expect(await query('nowhere.public.example')).toContain('not found');
      const asked = (await outer.log()).length;
      await system.must(['resolvectl', 'flush-caches']);
      expect(await query(PUBLIC)).toContain('192.0.2.80');
      expect((await outer.log()).slice(asked)).toContain(`query[A] ${PUBLIC} from ${ADDRESSES.client4}`);
      expect((await outer.log()).slice(asked)).not.toContain(NAME);

      // It has this in its cache now.
      expect(await query(NAME)).toMatch(/198\.1[89]\./);
      const { main, helper } = await tshuttleProcesses(lab);
      for (const pid of signal === 'SIGTERM' ? [main] : [main, helper]) process.kill(pid, signal);
      expect(await tshuttle.exited).toMatchObject(signal === 'SIGTERM' ? { code: 0 } : { code: null });
      let now = '';
      const isAsBefore = async (): Promise<boolean> => {
        now = await state();
        return now === before;
      };
      await until(isAsBefore, {
        deadlineMs: 2_000,
        what: () => `rules, routes and the state of systemd-resolved as before:\n${before}\nand not\n${now}`,
      });
      await expect(tshuttleProcesses(lab), 'no process').rejects.toThrow();
      // Killed it cannot have the machine forget; what it said lasts for a minute then.
      if (signal === 'SIGKILL') await system.must(['resolvectl', 'flush-caches']);
      expect(await query(NAME)).toContain('not found');
    },
  );

  it('is said to keep names of a zone from being answered where it encrypts or validates', async () => {
    const before = await settledState();
    await system.must(['resolvectl', 'dnsovertls', 'up0', 'yes']);
    await system.must(['resolvectl', 'dnssec', 'up0', 'yes']);
    const tshuttle = await start('--domain', 'inner.example');
    await tshuttle.untilOutput(/of up0 over TLS, .*: sudo resolvectl dnsovertls up0 no/, 10_000);
    await tshuttle.untilOutput(/signed answers of up0, .*: sudo resolvectl dnssec up0 no/, 10_000);
    expect(await query(NAME), 'no query was redirected').not.toMatch(/198\.1[89]\./);

    // As it says.
    await system.must(['resolvectl', 'dnsovertls', 'up0', 'no']);
    await system.must(['resolvectl', 'dnssec', 'up0', 'no']);
    // It may still have learned, of one kind of address, that there is none.
    await until(async () => /198\.1[89]\./.test(await query(NAME)), {
      deadlineMs: 10_000,
      what: `the address of ${NAME}`,
    });
    expect(await query(PUBLIC)).toContain('192.0.2.80');
    const { main } = await tshuttleProcesses(lab);
    process.kill(main, 'SIGTERM');
    expect(await tshuttle.exited).toMatchObject({ code: 0 });
    expect(await state()).toBe(before);
  });
});
