import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import type { Child } from '../../support/process/child.ts';
import { startDnsmasq } from '../../support/servers/dnsmasq.ts';
import {
  expectNothingLeft,
  startTshuttle,
  stopTshuttle,
  tshuttleProcesses,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client                                         bastion ── destination: 10.77.0.2, fd77::2, and dnsmasq
 *  application ── rules of a method ── tshuttle ────┘        excluded: 10.77.0.3
 */

const MEBIBYTE = 1024 * 1024;
const NAME = 'database.inner.example';
/** Nobody has them: only what is captured is answered. */
const NAMESERVERS = ['192.0.2.53', '2001:db8::53'];
const { destination4, destination6, otherDestination4 } = ADDRESSES;
const FAMILIES = [
  { family: 'IPv4', host: destination4, peer: ADDRESSES.bastionInner4 },
  { family: 'IPv6', host: destination6, peer: ADDRESSES.bastionInner6 },
];

/** Has the client's `iptables` be that of a back end, whatever this machine's is. */
const iptablesBy = (backEnd: 'nft' | 'legacy') => async (lab: Lab) => {
  const [other, calledOther] = backEnd === 'nft' ? ['legacy', 'legacy'] : ['nft', 'nf_tables'];
  const [wanted, replaced] = [backEnd, other].map((name) => `/usr/sbin/xtables-${name}-multi`);
  const script = `case $(iptables -V) in *${calledOther}*) mount --bind ${wanted} ${replaced};; esac`;
  await lab.client.must(['sh', '-euc', script]);
};

/** The strictest that there is: packets by lo are not asked where they would go back to. */
const strictReversePath = (lab: Lab) => lab.client.must(['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1']);

/** Each way to lead connections to us, as the user asks for it, and what it leaves when all that could remove it is killed. */
const METHODS: ReadonlyArray<{
  readonly name: string;
  readonly args: readonly string[];
  /** Root where left out: others get no rules that outlive the helper. */
  readonly user?: string;
  readonly prepare?: (lab: Lab) => Promise<unknown>;
  readonly used: RegExp;
  /** In what `Namespace.rules` shows. */
  readonly left?: RegExp;
}> = [
  { name: 'nft', args: ['--method', 'nft'], user: ORDINARY_USER.name, used: /redirecting with nft/ },
  {
    name: 'iptables-nft',
    args: ['--method', 'iptables'],
    prepare: iptablesBy('nft'),
    used: /"iptables v[\d.]+ \(nf_tables\)"/,
    left: /TSHUTTLE/,
  },
  {
    name: 'iptables-legacy',
    args: ['--method', 'iptables'],
    prepare: iptablesBy('legacy'),
    used: /"iptables v[\d.]+ \(legacy\)"/,
    left: /TSHUTTLE/,
  },
  {
    name: 'tproxy',
    args: ['--method', 'tproxy'],
    user: ORDINARY_USER.name,
    prepare: strictReversePath,
    used: /redirecting with tproxy/,
    left: /tshuttle: .*fwmark 0x1000000/,
  },
];

describe.skipIf(skipLab).each(METHODS)('by $name', ({ args: method, user, prepare, used, left }) => {
  const dns = ['--ns-hosts', NAMESERVERS.join(), '--to-ns', `${destination4}:53`];
  const args = ['-v', ...method, ...dns, '10.77.0.0/24', 'fd77::/64', '-x', otherDestination4];
  const asUser = user === undefined ? {} : { user };
  let lab: Lab;
  let tshuttle: Child;

  beforeAll(async () => {
    lab = await createLab();
    await startDnsmasq(lab, lab.destination, {
      name: 'inner',
      listenAddress: destination4,
      hosts: [`${destination4} ${NAME}`],
      options: ['--local=/inner.example/'],
    });
    await prepare?.(lab);
    tshuttle = await startTshuttle(lab, args, asUser);
    expect(tshuttle.stderr).toMatch(used);
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  it.each(FAMILIES)('$family: bytes both ways, half-close, and 200 at once', async ({ host, peer }) => {
    const whoami = await lab.application({ do: 'whoami', host, port: 7001 });
    expect(whoami).toMatchObject({ peer, local: host, port: 7001 });
    const both = await lab.application({ do: 'both', host, port: 7000, bytes: 4 * MEBIBYTE });
    expect(both).toMatchObject({ exact: true });
    // The other half closes first: the upload begins after the destination's EOF.
    const late = await lab.application({ do: 'farewell', host, port: 7000, bytes: MEBIBYTE });
    expect(late).toMatchObject({ exact: true, sent: MEBIBYTE });
    const many = { do: 'http', host, port: HTTP_PORT, count: 200, concurrency: 200 } as const;
    expect(await lab.application(many)).toMatchObject({ succeeded: 200, failures: {}, peers: [peer] });
  });

  it('queries to the nameservers that are captured, and no others', async () => {
    for (const nameserver of NAMESERVERS) {
      for (const protocol of ['+notcp', '+tcp']) {
        const argv = ['dig', '+short', '+time=3', '+tries=1', protocol, `@${nameserver}`, NAME];
        expect(await lab.client.must(argv), argv.join(' ')).toBe(`${destination4}\n`);
      }
    }
    expect((await lab.client.exec(['dig', '+time=1', '+tries=1', '@127.0.0.1', NAME])).code).not.toBe(0);
  });

  it('what is excluded goes past', async () => {
    const excluded = { do: 'whoami', host: otherDestination4, port: 7000, timeoutMs: 500 } as const;
    expect((await lab.application(excluded)).error).toMatch(/TIMEOUT|EHOSTUNREACH|ENETUNREACH/);
  });

  it('ends clean; and after SIGKILL of all, what is left does not stand in the way of the next start', async () => {
    await stopTshuttle(lab, tshuttle);
    const killed = await startTshuttle(lab, args, asUser);
    // The last one would remove what outlives the helper.
    for (const pid of (await tshuttleProcesses(lab)).all.toReversed()) process.kill(pid, 'SIGKILL');
    await killed.exited;
    if (left === undefined) await expectNothingLeft(lab);
    else expect(await lab.client.rules()).toMatch(left);
    const again = await startTshuttle(lab, args, asUser);
    const whoami = await lab.application({ do: 'whoami', host: destination4, port: 7001 });
    expect(whoami).toMatchObject({ peer: ADDRESSES.bastionInner4 });
    await stopTshuttle(lab, again);
  });
});
