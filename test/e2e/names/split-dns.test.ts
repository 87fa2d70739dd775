import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { isBeforeLinux, skipLab } from '../../support/lab/requirements.ts';
import type { CommandResult } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { type Dnsmasq, startDnsmasq } from '../../support/servers/dnsmasq.ts';
import {
  endAllTshuttles,
  expectNothingLeft,
  residentBytes,
  startTshuttle,
  stopTshuttle,
  tshuttleProcesses,
} from '../../support/tshuttle/tshuttle.ts';

/*
 * client: dnsmasq on 127.0.0.1 ── bastion ── destination: dnsmasq on 10.77.0.2, which the client cannot reach
 *         knows *.public.example                          knows *.inner.example
 */

const INNER = 'database.inner.example';
const PUBLIC = 'www.public.example';
const PUBLIC_ADDRESS = '192.0.2.80';
/** Longer than any answer by UDP may be. */
const LONG = 'long.public.example';
const LONG_COUNT = 200;

/** Sends a byte to the destination again and again, until SIGTERM; prints `echoed` when the first has come back. */
const STEADY_ECHO = `
  const socket = require('node:net').connect(7000, process.argv[1]);
  let sent = 0;
  let echoed = 0;
  socket.write('{"do":"echo"}\\n');
  const sending = setInterval(() => socket.write('x', () => (sent += 1)), 20);
  socket.on('data', ({ length }) => {
    if (echoed === 0) console.log('echoed');
    echoed += length;
  });
  socket.on('error', ({ code }) => console.log(code));
  socket.on('close', () => console.log(sent + ' sent, ' + echoed + ' echoed'));
  process.on('SIGTERM', () => {
    clearInterval(sending);
    socket.end();
  });
`;

describe.skipIf(skipLab)('--domain', () => {
  let lab: Lab;
  let inner: Dnsmasq;
  let outer: Dnsmasq;

  beforeAll(async () => {
    lab = await createLab();
    inner = await startDnsmasq(lab, lab.destination, {
      name: 'inner',
      listenAddress: ADDRESSES.destination4,
      hosts: [`${ADDRESSES.destination4} ${INNER}`, `${ADDRESSES.destination6} ${INNER}`],
      options: ['--local=/inner.example/'],
    });
    const long = Array.from({ length: LONG_COUNT }, (_, index) => `10.9.${index}.1 ${LONG}`);
    outer = await startDnsmasq(lab, lab.client, {
      name: 'outer',
      listenAddress: '127.0.0.1',
      hosts: [`${PUBLIC_ADDRESS} ${PUBLIC}`, `${ADDRESSES.bastion4} bastion.inner.example`, ...long],
      options: [
        '--local=/public.example/',
        '--local=/inner.example/',
        '--txt-record=txt.public.example,of the outside',
      ],
    });
  });
  afterEach(async () => {
    if (lab !== undefined) await endAllTshuttles(lab);
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const dig = async (...words: string[]) => await lab.client.must(['dig', '+time=3', '+tries=1', ...words]);

  it.each(['nft', 'iptables'])(
    'answers names of the zone through the tunnel, all others as ever (%s)',
    async (method) => {
      const options = ['--method', method, '--domain', 'inner.example', '--to-ns', ADDRESSES.destination4];
      const tshuttle = await startTshuttle(lab, [...options, '10.77.0.0/24', 'fd77::/64']);
      expect(await dig('+short', INNER)).toBe(`${ADDRESSES.destination4}\n`);
      expect(await dig('+short', '+tcp', INNER, 'AAAA')).toBe(`${ADDRESSES.destination6}\n`);
      expect(await lab.client.must(['getent', 'ahostsv4', INNER])).toContain(ADDRESSES.destination4);
      expect(await lab.client.must(['curl', '-sS', '-m5', `http://${INNER}:${HTTP_PORT}/`])).not.toBe('');
      expect(await outer.log()).not.toContain(INNER);

      expect(await dig('+short', PUBLIC)).toBe(`${PUBLIC_ADDRESS}\n`);
      expect(await dig('+short', '+tcp', PUBLIC)).toBe(`${PUBLIC_ADDRESS}\n`);
      expect(await dig('+short', 'txt.public.example', 'TXT')).toBe('"of the outside"\n');
      expect(await dig('nowhere.public.example')).toContain('status: NXDOMAIN');
      expect(await dig('+ignore', '+noedns', LONG)).toMatch(/flags: [^;]*\btc\b/);
      expect((await dig('+short', LONG)).trim().split('\n')).toHaveLength(LONG_COUNT);
      expect(await lab.client.must(['getent', 'ahostsv4', PUBLIC])).toContain(PUBLIC_ADDRESS);
      expect(await outer.log()).toContain(`query[A] ${PUBLIC} from 127.0.0.1`);
      expect(await inner.log()).not.toContain('public.example');
      await stopTshuttle(lab, tshuttle);
      expect(await dig('unknown-again.inner.example')).toContain('status: NXDOMAIN');
      expect(await outer.log()).toContain('unknown-again.inner.example');
    },
  );

  it.skipIf(isBeforeLinux(6, 12)).each(['nft', 'iptables'])(
    'answers and leaves also those who always ask from the same port, at once (%s)',
    async (method) => {
      // As Docker has it: without anybody's NAT the kernel remembers nothing.
      const table =
        'add table inet other; add chain inet other output { type nat hook output priority -100; }';
      await lab.client.must([
        'nft',
        `${table}; add rule inet other output ip daddr 192.0.2.1 dnat ip to 192.0.2.2`,
      ]);
      const fromOnePort = (name: string) => dig('-b', '127.0.0.1#40053', '+short', name);
      const options = ['--method', method, '--domain', 'inner.example', '--to-ns', ADDRESSES.destination4];
      expect(await fromOnePort(INNER), 'before').toBe('');
      const tshuttle = await startTshuttle(lab, [...options, '10.77.0.0/24']);
      expect(await fromOnePort(INNER)).toBe(`${ADDRESSES.destination4}\n`);
      await stopTshuttle(lab, tshuttle);
      expect(await fromOnePort(INNER), 'after').toBe('');
      expect(await fromOnePort(PUBLIC)).toBe(`${PUBLIC_ADDRESS}\n`);
      await lab.client.must(['nft', 'delete table inet other']);
    },
  );

  it('hears of a change within seconds, though dnsmasq answers each connection as of its start, for 150 s', async () => {
    // Each is asked for once, so that no answer comes from our own cache.
    const names = Array.from({ length: 1_000 }, (_, index) => `n${index}.inner.example`);
    const lines = [...names];
    const hosts = (address: string) => [
      `${ADDRESSES.destination4} ${INNER}`,
      ...lines.map((name) => `${address} ${name}`),
    ];
    await inner.setHosts(hosts('10.77.0.7'));
    const options = ['--domain', 'inner.example', '--to-ns', ADDRESSES.destination4];
    const tshuttle = await startTshuttle(lab, [...options, '10.77.0.0/24', 'fd77::/64']);
    const next = async (): Promise<string> => (await dig('+short', names.shift() ?? '')).trim();
    await until(async () => (await next()) === '10.77.0.7', { deadlineMs: 5_000, what: 'the names' });
    await inner.setHosts(hosts('10.77.0.8'));
    await until(async () => (await next()) === '10.77.0.8', {
      deadlineMs: 20_000,
      what: 'the new address',
    });
    await stopTshuttle(lab, tshuttle);
    await inner.setHosts([`${ADDRESSES.destination4} ${INNER}`, `${ADDRESSES.destination6} ${INNER}`]);
  });

  it('asks for the name of the bastion itself where the client asks, though it is in the zone', async () => {
    const options = ['--domain', 'inner.example', '--to-ns', ADDRESSES.destination4];
    const remote = 'root@bastion.inner.example';
    const sshOption = ['-o', `HostKeyAlias=${ADDRESSES.bastion4}`];
    const tshuttle = await startTshuttle(lab, [...options, ...sshOption, '10.77.0.0/24'], { remote });
    expect(await dig('+short', 'bastion.inner.example')).toBe(`${ADDRESSES.bastion4}\n`);
    expect(await dig('+short', INNER)).toBe(`${ADDRESSES.destination4}\n`);
    expect(await inner.log()).not.toContain('bastion.inner.example');
    await stopTshuttle(lab, tshuttle);
  });

  it('--host answers a name by itself, and leaves nothing after SIGKILL', async () => {
    const options = ['--host', `db.made-up.example=${ADDRESSES.destination4}`];
    await startTshuttle(lab, [...options, '10.77.0.0/24']);
    expect(await dig('+short', 'DB.made-up.example')).toBe(`${ADDRESSES.destination4}\n`);
    expect(await dig('db.made-up.example', 'AAAA')).toMatch(/status: NOERROR.*ANSWER: 0/s);
    expect(await dig('+short', PUBLIC)).toBe(`${PUBLIC_ADDRESS}\n`);
    const { main } = await tshuttleProcesses(lab);
    process.kill(main, 'SIGKILL');
    await expectNothingLeft(lab);
  });

  it.each(['nft', 'iptables'])(
    'of two tunnels are both answered, whichever was first, and so is all else (%s)',
    async (method) => {
      const options = ['-v', '--method', method, '--domain'];
      const one = await startTshuttle(lab, [
        ...options,
        'one.example',
        '--host',
        'host.one.example=192.0.2.1',
      ]);
      const two = await startTshuttle(lab, [
        ...options,
        'two.example',
        '--host',
        'host.two.example=192.0.2.2',
      ]);
      const three = await startTshuttle(lab, [...options, 'three.example']);
      const expectAnswers = async (): Promise<void> => {
        for (const protocol of ['+notcp', '+tcp']) {
          expect(await dig('+short', protocol, 'host.one.example')).toBe('192.0.2.1\n');
          expect(await dig('+short', protocol, 'host.two.example')).toBe('192.0.2.2\n');
          expect(await dig('+short', protocol, PUBLIC)).toBe(`${PUBLIC_ADDRESS}\n`);
        }
      };
      await expectAnswers();
      // Each of them sets its rules anew then.
      const resolvConf = join(lab.directory, 'etc', 'resolv.conf');
      const before = await readFile(resolvConf, 'utf8');
      try {
        await writeFile(resolvConf, `${before}nameserver 127.0.0.88\n`);
        for (const tunnel of [one, two, three])
          await tunnel.untilOutput(
            /other nameservers, whose queries are captured now: .*127\.0\.0\.88/,
            10_000,
          );
        await expectAnswers();
      } finally {
        await writeFile(resolvConf, before);
      }
      const synthetic = await Promise.all(
        ['one', 'two', 'three'].map((zone) => dig('+short', `www.${zone}.example`)),
      );
      for (const address of synthetic) expect(address).toMatch(/^198\.1[89]\./);
      expect(new Set(synthetic).size, 'no address twice').toBe(3);
      two.kill('SIGTERM');
      expect(await two.exited).toMatchObject({ code: 0 });
      expect(await dig('+short', 'host.one.example')).toBe('192.0.2.1\n');
      expect(await dig('+short', PUBLIC)).toBe(`${PUBLIC_ADDRESS}\n`);
      for (const tunnel of [one, three]) {
        tunnel.kill('SIGTERM');
        expect(await tunnel.exited).toMatchObject({ code: 0 });
      }
      await expectNothingLeft(lab);
    },
  );

  it('follows the nameservers of this machine, as when it comes into another network', async () => {
    const resolvConf = join(lab.directory, 'etc', 'resolv.conf');
    const before = await readFile(resolvConf, 'utf8');
    await lab.client.ip('addr add 127.0.0.88/8 dev lo');
    const other = await startDnsmasq(lab, lab.client, {
      name: 'other-network',
      listenAddress: '127.0.0.88',
      hosts: [`192.0.2.88 ${PUBLIC}`],
      options: ['--local=/public.example/', '--local=/inner.example/'],
    });
    const tshuttle = await startTshuttle(lab, ['-v', '--domain', 'inner.example']);
    try {
      expect(await dig('+short', INNER)).toMatch(/^198\.1[89]\./);
      // In place: the lab's commands see the file through a bind mount.
      await writeFile(resolvConf, 'nameserver 127.0.0.88\n');
      await tshuttle.untilOutput(/other nameservers, whose queries are captured now: 127\.0\.0\.88/, 10_000);
      expect(await dig('+short', INNER)).toMatch(/^198\.1[89]\./);
      expect(await dig('+short', PUBLIC)).toBe('192.0.2.88\n');
      expect(await other.log()).not.toContain(INNER);
    } finally {
      await writeFile(resolvConf, before);
    }
    await stopTshuttle(lab, tshuttle);
  });

  it('answers by what a profile says after a reload, and no flow is lost', async () => {
    const configFile = join(lab.machine.homeOf('root'), '.config', 'tshuttle', 'config.yaml');
    const tshuttle = (...words: readonly string[]): Promise<CommandResult> =>
      lab.client.exec(['node', 'bin/tshuttle', ...words], { timeoutMs: 60_000 });
    const write = async (names: object): Promise<void> => {
      const profile = {
        remote: `root@${ADDRESSES.bastion4}`,
        identity: [lab.sshd.userKey],
        ssh_options: [`UserKnownHostsFile=${lab.sshd.knownHosts}`],
        subnets: ['10.77.0.0/24'],
        ...names,
      };
      await writeFile(configFile, JSON.stringify({ profiles: { names: profile } }), { mode: 0o600 });
    };
    const reload = async (names: object): Promise<string> => {
      await write(names);
      const reloaded = await tshuttle('reload', 'names');
      expect(reloaded.code, reloaded.stderr).toBe(0);
      return reloaded.stdout;
    };
    await mkdir(join(configFile, '..'), { recursive: true });
    await write({});
    const up = await tshuttle('up', 'names');
    expect(up.code, up.stderr).toBe(0);
    expect(await dig(INNER), 'no names yet').toContain('status: NXDOMAIN');
    const flow = lab.client.spawn(['node', '-e', STEADY_ECHO, ADDRESSES.destination4]);
    await flow.untilOutput(/echoed/, 20_000);

    expect(await reload({ zones: ['other.example'] })).toBe('tshuttle: names: applied: names\n');
    const synthetic = await dig('+short', 'www.other.example');
    expect(synthetic).toMatch(/^198\.1[89]\./);
    expect(await dig(INNER), 'no zone of it yet').toContain('status: NXDOMAIN');

    const all = {
      zones: ['other.example', 'inner.example'],
      to_ns: [ADDRESSES.destination4],
      hosts: ['host.made-up.example=192.0.2.7'],
    };
    expect(await reload(all)).toBe('tshuttle: names: applied: zones, hosts, to_ns\n');
    expect(await dig('+short', INNER)).toBe(`${ADDRESSES.destination4}\n`);
    expect(await dig('+short', 'host.made-up.example')).toBe('192.0.2.7\n');
    expect(await dig('+short', PUBLIC)).toBe(`${PUBLIC_ADDRESS}\n`);

    // A name keeps its address: clients remember it.
    expect(await reload({ ...all, resolve: 'bastion' })).toBe('tshuttle: names: applied: resolve\n');
    expect(await dig('+short', INNER)).toMatch(/^198\.1[89]\./);
    expect(await dig('+short', 'www.other.example')).toBe(synthetic);

    // Who is asked elsewhere is asked as ever, who is named is answered.
    const elsewhere = { ...all, resolve: 'bastion', ns_hosts: ['192.0.2.53'] };
    expect(await reload(elsewhere)).toBe('tshuttle: names: applied: ns_hosts\n');
    expect(await dig(INNER)).toContain('status: NXDOMAIN');
    expect(await dig('@192.0.2.53', '+short', INNER)).toMatch(/^198\.1[89]\./);

    const reloaded = await reload({ zones: ['inner.example'], synthetic_range: ['198.18.0.0/16'] });
    expect(reloaded).toContain('applied: zones, resolve, hosts, ns_hosts, to_ns\n');
    expect(reloaded).toMatch(/needs a restart .* for: synthetic_range\n/);
    expect(await dig('+short', INNER)).toMatch(/^198\.1[89]\./);
    expect(await dig('www.other.example'), 'a removed zone').not.toMatch(/198\.1[89]\./);
    expect(await outer.log()).toContain('www.other.example');

    expect(await reload({})).toBe('tshuttle: names: applied: names\n');
    expect(await dig(INNER), 'as ever').toContain('status: NXDOMAIN');
    flow.kill('SIGTERM');
    expect((await flow.exited).stdout).toMatch(/^echoed\n(\d+) sent, \1 echoed\n$/);
    const down = await tshuttle('down', 'names');
    expect(down.code, down.stderr).toBe(0);
    await expectNothingLeft(lab);
  });

  it('survives 10,000 malformed and oversized packets in bounded memory', async () => {
    const tshuttle = await startTshuttle(lab, ['--domain', 'inner.example']);
    const { main } = await tshuttleProcesses(lab);
    const before = await residentBytes(main);
    await lab.client.must(['node', 'test/support/clients/dns-garbage.entry.mjs', '127.0.0.1', '10000']);
    expect(await lab.client.must(['dig', '+short', '+time=5', '+tries=3', PUBLIC])).toBe(
      `${PUBLIC_ADDRESS}\n`,
    );
    expect(await lab.client.must(['dig', '+short', '+time=5', '+tries=3', INNER])).toMatch(/^198\.1[89]\./);
    expect((await residentBytes(main)) - before).toBeLessThan(96 * 1024 * 1024);
    await stopTshuttle(lab, tshuttle);
  });
});
