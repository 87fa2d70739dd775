import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { type Connection, Neighbour } from '../../support/lab/neighbour.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import { startDnsmasq } from '../../support/servers/dnsmasq.ts';
import {
  endAllTshuttles,
  expectNothingLeft,
  startTshuttle,
  stopTshuttle,
  tshuttleProcesses,
  untilSaid,
} from '../../support/tshuttle/tshuttle.ts';
import { dockerRules, UFW_INPUT } from './docker.ts';

/*
 *  container ┐
 *  other     ┴─ docker0 ─┐
 *  late      ── br-late ─┤ client ── bastion ── destination
 *  lan       ── eth1 ────┤          and Docker's rules
 *  stranger  ── eth2 ────┘
 */

/** Nobody has them: only what is redirected is answered. */
const NAMESERVERS = ['192.0.2.53', '2001:db8:53::53'] as const;
const NAME = 'database.inner.example';

/** Asks a nameserver by UDP and by TCP; prints the addresses, or the errors. */
const ASK = `
  const { Resolver } = require('node:dns').promises;
  const [server, name] = process.argv.slice(1);
  const packet = Buffer.concat([Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0, 0, 1, 0, 1])]);
  const resolver = new Resolver({ timeout: 1500, tries: 1 });
  resolver.setServers([server.includes(':') ? '[' + server + ']' : server]);
  const byTcp = new Promise((resolve) => {
    const socket = require('node:net').connect(53, server, () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(packet.length);
      socket.write(Buffer.concat([length, packet]));
    });
    socket.setTimeout(1500, () => { resolve('TIMEOUT'); socket.destroy(); });
    socket.on('error', ({ code }) => resolve(code));
    socket.on('data', (answer) => { resolve([...answer.subarray(-4)].join('.')); socket.destroy(); });
  });
  Promise.all([resolver.resolve4(name).catch(({ code }) => code), byTcp]).then((found) => console.log(found.join(' ')));
`;

/** Answers with a word whoever connects. */
const WORD_SERVER = `
  require('node:net').createServer((socket) => { socket.on('error', () => {}); socket.end('itself'); })
    .listen(9000, '::', () => console.log('ready'));
`;
const READ_WORD = `
  const socket = require('node:net').connect(Number(process.argv[2]), process.argv[1]);
  socket.setTimeout(1500, () => { console.log('TIMEOUT'); socket.destroy(); });
  socket.on('data', (text) => console.log(String(text))).on('error', ({ code }) => console.log(code)).on('close', () => console.log('closed'));
`;

/** What an application is told where nobody carries it. */
const NOT_THERE = /TIMEOUT|EHOSTUNREACH|ENETUNREACH|EACCES|ECONNREFUSED/;

describe.skipIf(skipLab)('--also-from', () => {
  let lab: Lab;
  const neighbours: Neighbour[] = [];
  let [container, other, lan, stranger]: Neighbour[] = [];
  const shell = (script: string) => lab.client.must(['sh', '-euc', script]);
  const join = async (connection: Connection): Promise<Neighbour> => {
    const neighbour = await Neighbour.join(lab.client, connection);
    neighbours.push(neighbour);
    return neighbour;
  };

  const whoami = async (from: Neighbour | undefined, host: string, timeoutMs = 5_000) => {
    const { peer, error } = await from!.application({ do: 'whoami', host, port: 7000, timeoutMs });
    return peer ?? error;
  };
  const ask = async (from: Neighbour | undefined, nameserver: string) =>
    (await from!.exec(['node', '-e', ASK, nameserver, NAME])).stdout.trim();
  const read = async (from: Neighbour | undefined, host: string, port: number) =>
    (await from!.exec(['node', '-e', READ_WORD, host, `${port}`])).stdout.split('\n')[0];

  beforeAll(async () => {
    lab = await createLab();
    await startDnsmasq(lab, lab.destination, {
      name: 'inner',
      listenAddress: ADDRESSES.destination4,
      hosts: [`${ADDRESSES.destination4} ${NAME}`],
    });
    await shell('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1');
    await lab.client.ipEach([
      'link add docker0 type bridge',
      'addr add 172.17.0.1/16 dev docker0',
      'addr add fd00:17::1/64 dev docker0 nodad',
      'link set docker0 up',
    ]);
    const inDocker = { bridge: 'docker0', gateways: ['172.17.0.1', 'fd00:17::1'] };
    container = await join({ device: 'veth1', addresses: ['172.17.0.2/16', 'fd00:17::2/64'], ...inDocker });
    other = await join({ device: 'veth2', addresses: ['172.17.0.3/16', 'fd00:17::3/64'], ...inDocker });
    const eth1 = { device: 'eth1', gateways: ['192.168.50.1', 'fd00:50::1'] };
    lan = await join({ ...eth1, addresses: ['192.168.50.2/24', 'fd00:50::2/64'] });
    const eth2 = { device: 'eth2', gateways: ['192.168.60.1', 'fd00:60::1'] };
    stranger = await join({ ...eth2, addresses: ['192.168.60.2/24', 'fd00:60::2/64'] });
    await lab.client.ipEach([
      'addr add 192.168.50.1/24 dev eth1',
      'addr add fd00:50::1/64 dev eth1 nodad',
      'addr add 192.168.60.1/24 dev eth2',
      'addr add fd00:60::1/64 dev eth2 nodad',
    ]);
    await lab.client.must(['iptables-nft-restore'], {
      stdin: dockerRules('172.17.0.0/16', '172.17.0.9', '127.0.0.0/8'),
    });
    await lab.client.must(['ip6tables-nft-restore'], {
      stdin: dockerRules('fd00:17::/64', 'fd00:17::9', '::1'),
    });
    // Where the module is there, a bridge shows its own traffic to the rules, as Docker has it.
    await shell('test ! -e /proc/sys/net/bridge || sysctl -qw net.bridge.bridge-nf-call-iptables=1');
    await other.spawn(['node', '-e', WORD_SERVER]).untilOutput(/ready/);
  }, 60_000);
  afterEach(async () => {
    await endAllTshuttles(lab);
  });
  afterAll(async () => {
    for (const neighbour of neighbours) await neighbour[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  it.each(['nft', 'iptables', 'tproxy'])(
    'by %s: carries what comes in by what is named, and nothing else',
    async (method) => {
      const named = ['docker0', 'br-*', '192.168.50.0/24', 'fd00:50::/64'].flatMap((one) => [
        '--also-from',
        one,
      ]);
      const dns = ['--dns', '--to-ns', ADDRESSES.destination4, '--ns-hosts', NAMESERVERS.join()];
      const networks = ['10.77.0.0/24', 'fd77::/64', '172.16.0.0/12', '-x', ADDRESSES.otherDestination4];
      const tshuttle = await startTshuttle(lab, ['-v', '--method', method, ...named, ...dns, ...networks]);
      const port = Number(
        /inet tshuttle-0-(\d+)|chain TSHUTTLE-0-(\d+)/.exec(await lab.client.rules())?.[0].split('-')[2],
      );

      // TCP and DNS, of a container and of a machine of the LAN, and of the machine itself.
      for (const from of [container, lan]) {
        expect(await whoami(from, ADDRESSES.destination4)).toBe(ADDRESSES.bastionInner4);
        expect(await whoami(from, ADDRESSES.destination6)).toBe(ADDRESSES.bastionInner6);
        for (const nameserver of NAMESERVERS)
          expect(await ask(from, nameserver), nameserver).toBe(
            `${ADDRESSES.destination4} ${ADDRESSES.destination4}`,
          );
      }
      const bytes = 1_000_001;
      const both = { do: 'both', host: ADDRESSES.destination4, port: 7000, bytes } as const;
      expect(await container!.application(both)).toMatchObject({ exact: true, received: bytes });
      const many = {
        do: 'http',
        host: ADDRESSES.destination6,
        port: HTTP_PORT,
        count: 200,
        concurrency: 200,
      } as const;
      expect(await container!.application(many)).toMatchObject({ succeeded: 200, failures: {} });

      // What is excluded, who is not named, and what stays on the bridge or ends at this machine.
      expect(await whoami(container, ADDRESSES.otherDestination4, 500)).toMatch(NOT_THERE);
      for (const host of [ADDRESSES.destination4, ADDRESSES.destination6])
        expect(await whoami(stranger, host, 500)).toMatch(NOT_THERE);
      expect(await read(container, '172.17.0.3', 9000)).toBe('itself');
      expect(await read(container, '172.17.0.1', 9000)).toBe('ECONNREFUSED');

      // The listener itself: redirected connections alone, and those of its own interface alone.
      expect(await read(container, '172.17.0.1', port)).toBe('ECONNRESET');
      expect(await read(stranger, '172.17.0.1', port)).toBe('ECONNREFUSED');
      expect(await read(stranger, '192.168.60.1', port)).toBe('ECONNREFUSED');

      // An interface that comes later.
      await lab.client.ipEach([
        'link add br-late type bridge',
        'addr add 172.30.0.1/16 dev br-late',
        'link set br-late up',
      ]);
      await using late = await join({
        device: 'veth9',
        bridge: 'br-late',
        addresses: ['172.30.0.2/16'],
        gateways: ['172.30.0.1'],
      });
      await untilSaid(tshuttle, 'docker0, eth1, br-late');
      await until(async () => (await whoami(late, ADDRESSES.destination4, 500)) === ADDRESSES.bastionInner4, {
        deadlineMs: 5_000,
        what: () => `what comes in by br-late is carried: ${tshuttle.stderr}`,
      });
      await lab.client.ip('link del br-late');

      if (method !== 'iptables') {
        await stopTshuttle(lab, tshuttle);
      } else {
        const { main, helper } = await tshuttleProcesses(lab);
        for (const pid of [main, helper]) process.kill(pid, 'SIGKILL');
        await tshuttle.exited;
        await expectNothingLeft(lab);
      }
      expect(await whoami(container, ADDRESSES.destination4, 500)).toMatch(NOT_THERE);
    },
    60_000,
  );

  it('says which rule of a firewall lets redirected connections not in, and that with it they come', async () => {
    await lab.client.must(['iptables-nft-restore', '--noflush'], { stdin: UFW_INPUT });
    const tshuttle = await startTshuttle(lab, ['--also-from', 'docker0', '10.77.0.0/24']);
    await untilSaid(tshuttle, 'ufw of this machine lets in only what its rules admit (ip filter INPUT)');
    const rule = '-A ufw-before-input -i docker0 -m conntrack --ctstate DNAT -j ACCEPT';
    expect(tshuttle.stderr).toContain(rule);
    expect(await whoami(container, ADDRESSES.destination4, 500)).toBe('TIMEOUT');
    await shell(`iptables-nft ${rule.replace('-A ufw-before-input', '-I ufw-before-input')}`);
    expect(await whoami(container, ADDRESSES.destination4)).toBe(ADDRESSES.bastionInner4);
    const { stdout: status } = await lab.client.exec(['node', 'bin/tshuttle', 'status', '--json']);
    expect(JSON.parse(status)).toMatchObject({ tunnels: [{ status: { captureProblems: [] } }] });
    await shell('iptables-nft -P INPUT ACCEPT');
    await stopTshuttle(lab, tshuttle);
  }, 30_000);

  it.each([
    ['nft', 'pid'],
    ['iptables', 'name'],
    ['tproxy', 'pid'],
  ])('--namespace, by %s and by %s: carries what runs in it, and nothing outside', async (method, by) => {
    const inside = container!;
    const blue = by === 'name' ? ['--namespace', 'blue'] : ['--namespace-pid', `${inside.pid}`];
    if (by === 'name') await lab.client.must(['ip', 'netns', 'attach', 'blue', `${inside.pid}`]);
    const dns = ['--dns', '--to-ns', ADDRESSES.destination4, '--ns-hosts', NAMESERVERS.join()];
    const networks = ['10.77.0.0/24', 'fd77::/64', '-x', ADDRESSES.otherDestination4];
    const tshuttle = await startTshuttle(lab, ['-v', '--method', method, ...blue, ...dns, ...networks]);

    expect(await whoami(inside, ADDRESSES.destination4)).toBe(ADDRESSES.bastionInner4);
    expect(await whoami(inside, ADDRESSES.destination6)).toBe(ADDRESSES.bastionInner6);
    for (const nameserver of NAMESERVERS)
      expect(await ask(inside, nameserver), nameserver).toBe(
        `${ADDRESSES.destination4} ${ADDRESSES.destination4}`,
      );
    expect(await whoami(inside, ADDRESSES.otherDestination4, 500)).toMatch(NOT_THERE);
    // Those that share its bridge, and the machine that tshuttle runs on.
    expect(await whoami(other, ADDRESSES.destination4, 500)).toMatch(NOT_THERE);
    const here = { do: 'whoami', host: ADDRESSES.destination4, port: 7000, timeoutMs: 500 } as const;
    expect((await lab.application(here)).error).toMatch(NOT_THERE);
    expect(await lab.client.rules()).not.toMatch(/tshuttle|TSHUTTLE/);
    expect(await inside.rules()).toMatch(/tshuttle|TSHUTTLE/);

    if (by === 'name') {
      await lab.client.must(['ip', 'netns', 'del', 'blue']);
      await untilSaid(tshuttle, 'the network namespace blue is gone');
      for (const pid of [tshuttle.pid, ...(await inside.pids())]) {
        // The guardian undoes what the helper cannot.
        if (!(await isGuardian(pid))) process.kill(pid, 'SIGKILL');
      }
      await tshuttle.exited;
    } else {
      await stopTshuttle(lab, tshuttle);
    }
    let left = '';
    await until(
      async () => {
        left = `${await inside.rules()} ${(await inside.pids()).join()}`;
        return !/tshuttle|TSHUTTLE|116/.test(left) && left.endsWith(' ');
      },
      { deadlineMs: 2_000, what: () => `nothing of tshuttle left in the namespace: ${left}` },
    );
  });
});

async function isGuardian(pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes('guardian');
}
