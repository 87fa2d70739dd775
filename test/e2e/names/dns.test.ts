import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { type Dnsmasq, startDnsmasq } from '../../support/servers/dnsmasq.ts';
import {
  expectNothingLeft,
  residentBytes,
  runTshuttle,
  startTshuttle,
  stopTshuttle,
  tshuttleProcesses,
} from '../../support/tshuttle/tshuttle.ts';

/*
 * client: /etc/resolv.conf says 127.0.0.1, where nobody answers ── bastion ── destination: dnsmasq on 10.77.0.2
 */

const DNS = ['--dns', '--to-ns', ADDRESSES.destination4];
/** Not among the names of the lab's hosts file. */
const NAME = 'database.inner.example';
/** Longer than any answer by UDP may be. */
const LONG_NAME = 'long.inner.example';
const LONG_COUNT = 200;

function startResolver(lab: Lab): Promise<Dnsmasq> {
  const long = Array.from({ length: LONG_COUNT }, (_, index) => `10.9.${index}.1 ${LONG_NAME}`);
  return startDnsmasq(lab, lab.destination, {
    name: 'inner',
    listenAddress: ADDRESSES.destination4,
    hosts: [`${ADDRESSES.destination4} ${NAME}`, `${ADDRESSES.destination6} ${NAME}`, ...long],
    options: ['--auth-ttl=60', '--local=/inner.example/', '--txt-record=text.inner.example,of the inside'],
  });
}

describe.skipIf(skipLab)('--dns', () => {
  it('answers with what only the resolver behind the bastion knows, by UDP, by TCP and through libc', async () => {
    await using lab = await createLab();
    const resolver = await startResolver(lab);
    const dig = async (...words: string[]) => await lab.client.must(['dig', '+time=3', '+tries=1', ...words]);
    expect((await lab.client.exec(['getent', 'hosts', NAME])).code).not.toBe(0);

    const tshuttle = await startTshuttle(lab, ['-v', ...DNS, '10.77.0.0/24', 'fd77::/64']);
    expect(tshuttle.stdout).toContain(' and DNS through ');
    expect(await dig('+short', NAME)).toBe(`${ADDRESSES.destination4}\n`);
    expect(await dig('+short', '+tcp', NAME, 'AAAA')).toBe(`${ADDRESSES.destination6}\n`);
    expect(await dig('+short', 'text.inner.example', 'TXT')).toBe('"of the inside"\n');
    expect(await dig('nowhere.inner.example')).toContain('status: NXDOMAIN');
    expect(await lab.client.must(['getent', 'ahostsv4', NAME])).toContain(ADDRESSES.destination4);
    expect(await lab.client.must(['curl', '-sS', '-m5', `http://${NAME}:${HTTP_PORT}/`])).not.toBe('');

    const truncated = await dig('+ignore', '+noedns', LONG_NAME);
    expect(truncated).toMatch(/flags: [^;]*\btc\b.*ANSWER: 0/);
    const whole = await dig('+short', LONG_NAME);
    expect(whole.trim().split('\n')).toHaveLength(LONG_COUNT);

    expect(await dig(NAME)).toMatch(/EDNS: version: 0/);
    const asked = (await resolver.log()).split('\n').filter((line) => line.includes(`query[A] ${NAME}`));
    expect(asked.length, 'once with EDNS and once without, then from the cache').toBeLessThanOrEqual(2);
    // Each is logged with what it got; off a terminal as JSON.
    const logged = tshuttle.stderr
      .split('\n')
      .filter((line) => line.includes('"query"'))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const answerTo = (query: string, type: string) =>
      logged.find((line) => line['query'] === query && line['type'] === type)?.['answer'];
    expect(answerTo(NAME, 'A')).toBe(ADDRESSES.destination4);
    expect(answerTo(NAME, 'AAAA')).toBe(ADDRESSES.destination6);
    expect(answerTo('text.inner.example', 'TXT')).toBe('a record of TXT');
    expect(answerTo('nowhere.inner.example', 'A')).toBe('no such name');
    expect(answerTo(LONG_NAME, 'A')).toMatch(new RegExp(`^10\\.9\\..* and ${LONG_COUNT - 4} more$`));
    for (const { msg, durationMs } of logged)
      expect(msg).toMatch(new RegExp(`^\\S+ [A-Z]+: .*, after ${durationMs as number} ms$`));
    await stopTshuttle(lab, tshuttle);
    expect((await lab.client.exec(['getent', 'hosts', NAME])).code).not.toBe(0);
  });

  it('a resolver that cannot be reached is SERVFAIL, and the next one is asked', async () => {
    await using lab = await createLab();
    await startResolver(lab);
    const options = ['--dns', '--to-ns', `10.77.0.99,${ADDRESSES.destination4}`, '10.77.0.0/24'];
    const tshuttle = await startTshuttle(lab, options);
    const dig = ['dig', '+time=9', '+tries=1'];
    expect(await lab.client.must([...dig, '+short', NAME])).toBe(`${ADDRESSES.destination4}\n`);
    expect(tshuttle.stderr).toContain('the resolver 10.77.0.99:53 cannot be reached');
    await stopTshuttle(lab, tshuttle);

    const nobody = await startTshuttle(lab, ['--dns', '--to-ns', '10.77.0.99,10.77.0.98', '10.77.0.0/24']);
    expect(await lab.client.must([...dig, NAME])).toContain('status: SERVFAIL');
    await stopTshuttle(lab, nobody);
  });

  it('survives 10,000 malformed and oversized packets in bounded memory, and SIGKILL leaves no rule', async () => {
    await using lab = await createLab();
    await startResolver(lab);
    await startTshuttle(lab, [...DNS, '10.77.0.0/24']);
    const { main } = await tshuttleProcesses(lab);
    const before = await residentBytes(main);
    await lab.client.must(['node', 'test/support/clients/dns-garbage.entry.mjs', '127.0.0.1', '10000']);
    const answer = await lab.client.must(['dig', '+short', '+time=5', '+tries=2', NAME]);
    expect(answer).toBe(`${ADDRESSES.destination4}\n`);
    expect((await residentBytes(main)) - before).toBeLessThan(96 * 1024 * 1024);
    process.kill(main, 'SIGKILL');
    await expectNothingLeft(lab);
  });

  it('without --to-ns asks the resolver that the bastion itself asks, where SFTP may read its name', async () => {
    await using lab = await createLab({ sshd: ['Subsystem sftp internal-sftp'] });
    // As the lab's /etc/resolv.conf says.
    await startDnsmasq(lab, lab.bastion, {
      name: 'bastion',
      listenAddress: '127.0.0.1',
      hosts: [`${ADDRESSES.destination4} ${NAME}`],
      options: ['--local=/inner.example/'],
    });
    for (const transport of ['ssh2', 'openssh']) {
      const tshuttle = await startTshuttle(lab, ['--transport', transport, '--dns', '10.77.0.0/24']);
      expect(await lab.client.must(['dig', '+short', '+time=3', '+tries=1', NAME])).toBe(
        `${ADDRESSES.destination4}\n`,
      );
      await stopTshuttle(lab, tshuttle);
    }

    const forbidden = await runTshuttle(lab, ['--dns', '--no-session', '10.77.0.0/24']);
    expect(forbidden).toMatchObject({ code: 64 });
    await lab.sshd.restart(['ForceCommand /bin/false']);
    const refused = await runTshuttle(lab, ['--dns', '10.77.0.0/24']);
    expect(refused).toMatchObject({ code: 64 });
    expect(refused.stderr).toMatch(/--dns needs a resolver .* cannot be read: .* -> .*--to-ns 10\.0\.0\.2/);
    const byOpenssh = await runTshuttle(lab, ['--transport', 'openssh', '--dns', '10.77.0.0/24']);
    expect(byOpenssh).toMatchObject({ code: 64, stderr: expect.stringContaining('--to-ns 10.0.0.2') });
    // What a forced command prints is no SFTP, and one that stays is given up.
    await lab.sshd.restart(['ForceCommand echo welcome; sleep 30']);
    expect(await runTshuttle(lab, ['--dns', '10.77.0.0/24'])).toMatchObject({ code: 64 });
    await expectNothingLeft(lab);
  });

  it("with -H answers the names in the bastion's /etc/hosts, but those that lead there or to no SUBNET", async () => {
    await using lab = await createLab({ sshd: ['Subsystem sftp internal-sftp'] });
    await startDnsmasq(lab, lab.client, {
      name: 'outer',
      listenAddress: '127.0.0.1',
      hosts: [],
      options: [],
    });
    const short = async (name: string) =>
      await lab.client.must(['dig', '+short', '+time=3', '+tries=1', name]);
    // In the lab's /etc/hosts: 10.77.0.2 and fd77::2 for db.lab, 198.51.100.1 for bastion.lab.
    const captured = ['-v', '10.77.0.0/24', '198.51.100.0/24'];
    const tshuttle = await startTshuttle(lab, ['-H', ...captured], { remote: 'root@bastion.lab' });
    expect(await short('db.lab')).toBe(`${ADDRESSES.destination4}\n`);
    expect(await short('bastion.lab')).toBe('');
    expect(tshuttle.stderr).toMatch(/answering 1 names of the bastion's \/etc\/hosts; 2 left out/);
    await stopTshuttle(lab, tshuttle);

    const without = await startTshuttle(lab, ['-H', '--no-session', ...captured]);
    expect(without.stderr).toMatch(/--auto-hosts has no effect: .* cannot be read/);
    expect(await short('db.lab')).toBe('');
    await stopTshuttle(lab, without);
  });
});
