import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import type { Child } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import {
  endAllTshuttles,
  runTshuttle,
  startTshuttle,
  stopTshuttle,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client: rules are set, and yet nothing arrives, for what else is on the machine. The start, status and the doctor name it, in
 *  the same words.
 */

const SUBNET = '10.77.0.0/24';
/** How wg-quick leads everything into a VPN; a plain link stands for WireGuard's. */
const VPN = ADDRESSES.client4.replace(/\d+$/, '77');

/** What is in the way, put there and taken away by these commands of a shell; and what is said of it. */
interface Obstacle {
  readonly name: string;
  readonly put: string;
  readonly take: string;
  readonly says: RegExp;
  readonly remedy: RegExp;
}

/** As ufw(8) writes it for `default deny outgoing`, without what it logs. */
const UFW = `
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT DROP [0:0]
:ufw-before-output - [0:0]
:ufw-user-output - [0:0]
-A OUTPUT -j ufw-before-output
-A ufw-before-output -o lo -j ACCEPT
-A ufw-before-output -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-output -j ufw-user-output
-A ufw-user-output -p tcp --dport 22 -j ACCEPT
COMMIT`;

const OBSTACLES: readonly Obstacle[] = [
  {
    name: 'ufw that denies outgoing connections',
    put: `iptables-nft-restore <<'END'${UFW}\nEND`,
    take: 'nft delete table ip filter',
    says: /ufw drops redirected connections \(default deny outgoing, ip filter OUTPUT\): nothing to 10\.77\.0\.0\/24 arrives/,
    remedy: /sudo ufw allow out to 127\.0\.0\.1/,
  },
  ...(['blackhole', 'prohibit', 'unreachable'] as const).map((kind) => ({
    name: `a ${kind} route to the network`,
    put: `ip route add ${kind} 10.77.0.0/16`,
    take: `ip route del ${kind} 10.77.0.0/16`,
    says: new RegExp(`the route to 10\\.77\\.0\\.0/24 is of type ${kind}: the kernel refuses connections`),
    remedy: new RegExp(`ip route show table all type ${kind}`),
  })),
  {
    name: 'a blackhole within the network',
    put: 'ip route add blackhole 10.77.0.64/28',
    take: 'ip route del blackhole 10.77.0.64/28',
    says: /the route to 10\.77\.0\.64\/28 is of type blackhole/,
    remedy: /any other kind will do/,
  },
  {
    name: 'another transparent proxy',
    put: `nft -f - <<'END'
table inet sing-box {
  chain output {
    type nat hook output priority mangle; policy accept;
    meta l4proto tcp ip daddr 10.0.0.0/8 redirect to :9
  }
}
END`,
    take: 'nft delete table inet sing-box',
    says: /another program takes connections to 10\.77\.0\.0\/24 before tshuttle can, in the chain inet sing-box output/,
    remedy: /have it leave that network alone/,
  },
  {
    name: 'connections that are not tracked',
    put: 'iptables-nft -t raw -A OUTPUT -d 10.0.0.0/8 -j CT --notrack',
    take: 'nft delete table ip raw',
    says: /a NOTRACK rule in ip raw OUTPUT keeps the kernel from redirecting connections to 10\.77\.0\.0\/24/,
    remedy: /remove that rule/,
  },
  {
    name: 'loopback that is not tracked',
    put: 'iptables-nft -t raw -A OUTPUT -o lo -j NOTRACK',
    take: 'nft delete table ip raw',
    says: /a NOTRACK rule in ip raw OUTPUT/,
    remedy: /and loopback/,
  },
];

const WG_RULE = `table ip wg-quick-wg0 {
  chain preraw {
    type filter hook prerouting priority raw; policy accept;
    iifname != "wg0" ip daddr ${VPN} fib saddr type != local drop
  }
}`;

const WG_UP = `ip link add wg0 type veth peer name wg0-peer
ip link set wg0-peer up
ip addr add ${VPN}/32 dev wg0
ip link set wg0 up
ip route add default dev wg0 table 51820
ip rule add not to ${ADDRESSES.bastion4} table 51820
ip rule add table main suppress_prefixlength 0`;

const WG_DOWN = `ip rule del table main suppress_prefixlength 0
ip rule del not to ${ADDRESSES.bastion4} table 51820
ip link del wg0`;

/** The lab's sshd may be of before the post-quantum methods, which a start warns of. */
const QUIET = ['-o', 'WarnWeakCrypto=no'];

describe.skipIf(skipLab)('connections that are captured and do not arrive', () => {
  let lab: Lab;
  const shell = (script: string) => lab.client.must(['sh', '-euc', script]);
  const problemsInStatus = async (): Promise<readonly { what: string; remedy: string }[]> => {
    const status = await lab.client.exec(['node', 'bin/tshuttle', 'status', '--json']);
    const { tunnels } = JSON.parse(status.stdout) as {
      tunnels: [{ status: { captureProblems: readonly { what: string; remedy: string }[] } }];
    };
    const { captureProblems } = tunnels[0].status;
    expect(status, status.stderr).toMatchObject({ code: captureProblems.length === 0 ? 0 : 2 });
    return captureProblems;
  };
  const examined = async (): Promise<readonly { check: string; what: string; remedy: string }[]> => {
    const { stdout, stderr } = await runTshuttle(lab, ['doctor', SUBNET, '--json']);
    expect(stdout, stderr).toMatch(/^\{/);
    const { findings } = JSON.parse(stdout) as {
      findings: readonly { check: string; status: string; what: string; remedy: string }[];
    };
    // The lab's sshd may be of before the post-quantum methods: the doctor says so, too.
    const others = findings.filter(({ what }) => !what.startsWith('the keys are by '));
    return others.filter(
      ({ check, status }) => check === 'capture' || (check.startsWith('tunnel ') && status === 'problem'),
    );
  };
  const reached = async (): Promise<boolean> =>
    'peer' in (await lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7000 }));
  let tshuttle: Child;

  beforeAll(async () => {
    lab = await createLab();
    tshuttle = await startTshuttle(lab, [...QUIET, SUBNET]);
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  it('is not so with nothing in the way, and a probe is no flow', async () => {
    expect(tshuttle.stderr).toBe('');
    expect(await problemsInStatus()).toEqual([]);
    expect(await reached()).toBe(true);
    expect(await examined()).toMatchObject([{ check: 'capture', what: 'a redirected connection arrives' }]);
    const status = await lab.client.exec(['node', 'bin/tshuttle', 'status', '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({ tunnels: [{ status: { flows: { total: 1 } } }] });
  });

  it.each(OBSTACLES)('$name: status and the doctor', async ({ put, take, says, remedy }) => {
    await shell(put);
    try {
      const said = [{ what: expect.stringMatching(says), remedy: expect.stringMatching(remedy) }];
      expect(await problemsInStatus()).toMatchObject(said);
      expect(tshuttle.stderr).toMatch(says);
      expect((await examined()).map(({ what }) => what)).toEqual([said[0]?.what, said[0]?.what]);
    } finally {
      await shell(take);
    }
  });

  it('is told at once when the network changes', async () => {
    expect(await problemsInStatus()).toEqual([]);
    expect(tshuttle.stderr.trimEnd().split('\n').at(-1)).toMatch(/it is so no longer: a NOTRACK rule/);
    const before = tshuttle.stderr.length;
    await shell('ip route add blackhole 10.77.0.0/16');
    await until(() => tshuttle.stderr.slice(before).includes('is of type blackhole'), {
      deadlineMs: 5_000,
      what: 'the warning',
    });
    const text = await lab.client.exec(['node', 'bin/tshuttle', 'status']);
    expect(text.stdout).toMatch(/! the route to 10\.77\.0\.0\/24 is of type blackhole/);
    await shell('ip route del blackhole 10.77.0.0/16');
    await stopTshuttle(lab, tshuttle);
  });

  it('is a warning of the start, before it says that it captures', async () => {
    const { put, take, says } = OBSTACLES[0]!;
    await shell(put);
    try {
      const started = await startTshuttle(lab, [...QUIET, SUBNET]);
      const warnings = started.stderr.split('\n').filter((line) => line.includes('"warn"'));
      expect(warnings).toEqual([expect.stringMatching(says)]);
      await shell('iptables-nft -I ufw-user-output -d 127.0.0.1 -j ACCEPT'); // the remedy
      expect(await problemsInStatus()).toEqual([]);
      expect(await reached()).toBe(true);
      await stopTshuttle(lab, started);
    } finally {
      await endAllTshuttles(lab);
      await shell(take);
    }
  });

  it("is mended with wg-quick's rule and the VPN up: answers go round it", async () => {
    await shell(`${WG_UP}\nnft -f - <<'END'\n${WG_RULE}\nEND`);
    try {
      const started = await startTshuttle(lab, [...QUIET, SUBNET]);
      expect(await reached()).toBe(true);
      expect(await problemsInStatus()).toEqual([]);
      await stopTshuttle(lab, started);
      expect(await examined()).toMatchObject([{ what: 'a redirected connection arrives' }]);
      const iptables = await startTshuttle(lab, ['--method', 'iptables', SUBNET]);
      expect(iptables.stderr).toMatch(
        /the rule of wg-quick for wg0 drops the answers to redirected connections.*--method nft/,
      );
      await stopTshuttle(lab, iptables);
    } finally {
      await endAllTshuttles(lab);
      await shell(`${WG_DOWN}\nnft delete table ip wg-quick-wg0`);
    }
  });
});
