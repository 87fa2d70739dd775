import { readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startHelper } from '../../../src/intercept/client/client.ts';
import { planRedirects } from '../../../src/intercept/rules/plan.ts';
import type { ProgramMatch } from '../../../src/intercept/rules/program-match.ts';
import { renderPlan } from '../../../src/intercept/rules/render-plan.ts';
import { candidatesFor } from '../../../src/intercept/rules/select.ts';

import type { CaptureRule } from '../../../src/net/address/capture-rule.ts';
import { makeCidr } from '../../../src/net/address/cidr.ts';
import { type Endpoint, makeEndpoint } from '../../../src/net/address/endpoint.ts';
import { addressToNumber, type IpFamily, numberToAddress } from '../../../src/net/address/literal.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { referenceVerdict } from '../../unit/intercept/rules/reference-verdict.ts';
import { rule } from '../../unit/intercept/rules/rule.ts';
import { OWNED_SAMPLE_PLANS } from '../../unit/intercept/rules/sample-plans.ts';
import { seededRandom } from '../../unit/intercept/rules/seeded-random.ts';
import { createScratch, type Destination, SILENT } from './scratch.ts';

const GOLDEN = new URL('../../unit/intercept/rules/golden/', import.meta.url);
const PORT = 12_300;

describe.skipIf(skipLab)('the golden texts', () => {
  it('are taken by the kernel in a fresh namespace', async () => {
    await using scratch = await createScratch();
    // A replacement needs a table to replace: replacement.test.ts has that.
    for (const name of (await readdir(GOLDEN)).filter((file) => file !== 'replacement.nft')) {
      const stdin = await readFile(new URL(name, GOLDEN), 'utf8');
      const argv = name.endsWith('.nft')
        ? ['nft', '-f', '-']
        : [name.endsWith('6') ? 'ip6tables-restore' : 'iptables-restore', '--noflush'];
      const result = await scratch.namespace.exec(argv, { stdin });
      expect(result.stderr, name).toBe('');
      expect(result.code, name).toBe(0);
    }
  });

  it('are what --dry-run shows, and the kernel takes that too', async () => {
    await using scratch = await createScratch();
    const stdin = renderPlan('nft', OWNED_SAMPLE_PLANS['both-families']!);
    await scratch.namespace.must(['nft', '-f', '-'], { stdin });
  });
});

describe.skipIf(skipLab)('rules in the kernel', () => {
  for (const candidate of candidatesFor('auto', false, 'linux')) {
    it(`by ${candidate}: decide as the rules say, on random sets`, async () => {
      await using scratch = await createScratch();
      const helper = await scratch.openHelper(candidate);
      const { seed, random } = seededRandom();
      for (let round = 0; round < 3; round += 1) {
        const rules = randomRules(random);
        const plan = planRedirects({ rules, listenerPort: PORT, families: [4, 6], exempt: [] });
        await helper.call({ type: 'apply', plan });
        const destinations = Array.from({ length: 200 }, () => randomDestination(random));
        const expected = destinations.map(([address, port]) => {
          const family: IpFamily = address.includes(':') ? 6 : 4;
          const verdict = referenceVerdict(rules, family, addressToNumber(family, address), port);
          return `${address} ${port} ${verdict === 'capture' ? 'captured' : 'passed'}`;
        });
        const verdicts = await scratch.verdicts(PORT, destinations);
        const found = destinations.map(([address, port], index) => `${address} ${port} ${verdicts[index]}`);
        expect(found, `seed ${seed}, round ${round}`).toEqual(expected);
      }
    });

    it(`by ${candidate}: never capture exempt, local, link-local, broadcast or multicast destinations`, async () => {
      await using scratch = await createScratch();
      const helper = await scratch.openHelper(candidate);
      const plan = planRedirects({
        rules: [rule('0.0.0.0/0'), rule('::/0')],
        listenerPort: PORT,
        families: [4, 6],
        exempt: [{ family: 4, address: '203.0.113.1', port: 22 }],
      });
      await helper.call({ type: 'apply', plan });
      const captured: Destination[] = [
        ['203.0.113.1', 23],
        ['203.0.113.2', 22],
        ['2001:db8::9', 22],
        ['2001:db8::9', 23],
        ['223.255.255.255', 1],
        ['1.0.0.1', 65_535],
      ];
      const never: Destination[] = [
        ['203.0.113.1', 22],
        ['127.0.0.1', 9],
        ['127.8.8.8', 9],
        ['::1', 9],
        ['198.51.100.2', 9],
        ['2001:db8:51::2', 9],
        ['169.254.169.254', 80],
        ['fe80::1%lab0', 80],
        ['198.51.100.255', 80],
        ['255.255.255.255', 80],
        ['224.0.0.1', 80],
        ['ff02::1%lab0', 80],
      ];
      expect(await scratch.verdicts(PORT, captured)).toEqual(captured.map(() => 'captured'));
      expect(await scratch.verdicts(PORT, never)).not.toContain('captured');

      const exempt = [{ family: 6, address: '2001:db8::9', port: 22 }] as const;
      await helper.call({ type: 'apply', plan: { ...plan, exempt } });
      const changed: Destination[] = [
        ['203.0.113.1', 22],
        ['2001:db8::9', 22],
        ['2001:db8::9', 23],
      ];
      expect(await scratch.verdicts(PORT, changed)).toEqual(['captured', 'passed', 'captured']);

      await helper.close();
      expect(await scratch.ourRules()).toEqual([]);
      expect(await scratch.verdicts(PORT, captured)).toEqual(captured.map(() => 'passed'));
    });

    // The other two differ in nothing that UDP meets.
    if (candidate === 'libnftables-unowned' || candidate === 'iptables') continue;
    it(`by ${candidate}: refuse UDP to what is captured, and nothing that a machine's network needs`, async () => {
      await using scratch = await createScratch();
      await scratch.namespace.must(['nft', '-f', '-'], {
        stdin:
          'table inet vpn { chain c { type route hook output priority mangle; udp dport 7777 meta mark set 7; }; }\n',
      });
      // A tunnel of the kernel's, whose datagrams no user has sent, and a socket that was there before.
      await scratch.namespace.ipEach([
        'link add vx0 type vxlan id 1 remote 203.0.113.9 dstport 4790 dev lab0',
      ]);
      const bind = "require('dgram').createSocket('udp4').bind(50123, () => console.log('bound'))";
      const before = scratch.namespace.spawn([process.execPath, '-e', bind]);
      await before.untilOutput(/bound/);
      const helper = await scratch.openHelper(candidate);
      const rules = [rule('203.0.113.0/24'), rule('203.0.113.64/26', 'exclude'), rule('2001:db8::/64')];
      const more = [rule('198.51.100.0/24:4000-4999'), rule('0.0.0.0/0:4433'), rule('224.0.0.0/3')];
      const plan = planRedirects({
        rules: [...rules, ...more],
        listenerPort: PORT,
        families: [4, 6],
        exempt: [
          { family: 4, address: '203.0.113.1', port: 22 },
          { family: 6, address: '2001:db8::1', port: 22 },
        ],
        udp: 'reject',
      });
      await helper.call({ type: 'apply', plan });
      before.kill('SIGKILL');
      await before.exited;
      const refused: Destination[] = [
        ['203.0.113.9', 443],
        ['203.0.113.9', 60_001],
        ['2001:db8::9', 443],
        ['198.51.100.7', 4_500 - 1],
        ['192.0.2.1', 4_433],
      ];
      const left: Array<readonly [...Destination, from?: number]> = [
        ['192.0.2.1', 443],
        ['203.0.113.65', 443],
        ['198.51.100.7', 5_000],
        ['203.0.113.1', 443],
        ['2001:db8::1', 60_002],
        ['203.0.113.9', 7_777],
        ['203.0.113.9', 8_888, 50_123],
        ...[53, 67, 123, 500, 853, 1_194, 4_500, 51_820].map((port) => ['203.0.113.9', port] as const),
        ...[53, 547, 123].map((port) => ['2001:db8::9', port] as const),
        ['198.51.100.255', 4_433],
        ['255.255.255.255', 4_433],
        ['224.0.0.251', 4_433],
      ];
      const answers = await scratch.udpAnswers(refused);
      expect(answers.map(({ verdict }) => verdict)).toEqual(refused.map(() => 'ECONNREFUSED'));
      // A QUIC client falls back to TCP at once. The quickest: this machine may do something else in between.
      expect(Math.min(...answers.map(({ afterMs }) => afterMs))).toBeLessThan(100);
      expect(await scratch.udpVerdicts(left)).toEqual(left.map(() => 'left'));
      await scratch.namespace.ipEach(['addr add 192.0.2.77/24 dev vx0', 'link set vx0 up']);
      await scratch.namespace.exec([
        'ip',
        'neigh',
        'replace',
        '192.0.2.78',
        'lladdr',
        '02:00:00:00:00:01',
        'dev',
        'vx0',
      ]);
      await scratch.udpVerdicts([['192.0.2.78', 9]]);
      expect(await scratch.namespace.must(['nft', 'list', 'set', 'inet', 'lab', 'left4'])).toContain(
        '203.0.113.9 . 4790',
      );
      expect(await scratch.verdicts(PORT, [['203.0.113.9', 443]]), 'by TCP').toEqual(['captured']);

      await helper.call({ type: 'apply', plan: { ...plan, udp: 'direct' } });
      expect(await scratch.udpVerdicts([['203.0.113.10', 443]])).toEqual(['left']);
      await helper.call({ type: 'apply', plan });
      expect(await scratch.udpVerdicts([['203.0.113.11', 443]])).toEqual(['ECONNREFUSED']);
      await helper.close();
      expect(await scratch.ourRules()).toEqual([]);
      expect(await scratch.udpVerdicts([['203.0.113.12', 443]])).toEqual(['left']);
    });
  }

  it('redirect datagrams to be relayed, tell where they were going to, and translate the answers', async () => {
    await using scratch = await createScratch();
    const helper = await scratch.openHelper('libnftables');
    const plan = planRedirects({
      rules: [rule('203.0.113.0/24'), rule('203.0.113.64/26', 'exclude'), rule('2001:db8::/64')],
      listenerPort: PORT,
      families: [4, 6],
      exempt: [{ family: 4, address: '203.0.113.1', port: 22 }],
      udp: 'relay',
    });
    await helper.call({ type: 'apply', plan });
    // From one socket of each family, also to ports that only root may bind.
    const destinations = [
      '203.0.113.9#443',
      '203.0.113.9#5000',
      '203.0.113.10#443',
      '2001:db8::9#443',
      '2001:db8::a#443',
      // Not redirected: the listener is whom they are for.
      `127.0.0.1#${PORT}`,
      `::1#${PORT}`,
    ];
    const command = [process.execPath, 'test/lab/intercept/datagrams.entry.mjs', `${PORT}`, ...destinations];
    const programs = scratch.namespace.spawn(command);
    const [output] = await programs.untilOutput(/^\{.*\}$/m);
    const found = JSON.parse(output) as Record<string, { source: Endpoint; answeredBy: string }>;
    expect(
      Object.values(found)
        .map(({ answeredBy }) => answeredBy)
        .sort(),
    ).toEqual([...destinations].sort());
    const originators = Object.values(found).map(
      ({ source: { address, port } }) => makeEndpoint(address, port)!,
    );
    const unknown: Endpoint = { family: 4, address: '198.51.100.2', port: 9 };
    const answer = await helper.call({ type: 'look-up', originators: [...originators, unknown] });
    expect(answer).toMatchObject({
      results: [
        ...Object.keys(found).map((name) => {
          const [address, port] = name.split('#');
          if (Number(port) === PORT) return { kind: 'unknown' };
          return { kind: 'found', destination: { address, port: Number(port) } };
        }),
        { kind: 'unknown' },
      ],
    });
    const left: Destination[] = [
      ['203.0.113.65', 443],
      ['203.0.113.1', 443],
      ['203.0.113.9', 123],
    ];
    expect(await scratch.udpVerdicts(left)).toEqual(left.map(() => 'left'));
    programs.kill('SIGKILL');
    await helper.call({ type: 'apply', plan: { ...plan, udp: 'reject' } });
    expect(await scratch.udpVerdicts([['203.0.113.11', 443]])).toEqual(['ECONNREFUSED']);
    await helper.close();
    expect(await scratch.ourRules()).toEqual([]);
  });

  // The others have the same texts.
  for (const candidate of ['libnftables', 'iptables-nft', 'iptables-legacy', 'tproxy'] as const) {
    it(`by ${candidate}: capture those of chosen users, groups and control groups alone`, async () => {
      await using scratch = await createScratch();
      const { namespace } = scratch;
      // Of the machine's own, by a name that no other test has.
      const cgroup = `tshuttle-lab-${process.pid}/inner`;
      const path = `/sys/fs/cgroup/${cgroup}`;
      const mounted = ['sh', '-c', 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"', 'sh'];
      await namespace.must(['mount', '-t', 'cgroup2', 'none', '/sys/fs/cgroup']);
      const [ip, netns, exec, name, ...argv] = scratch.helperCommand;
      const command = [ip!, netns!, exec!, name!, ...mounted, ...argv];
      const helper = await startHelper({ command, logger: SILENT });
      const destinations: Destination[] = [
        ['203.0.113.1', 80],
        ['2001:db8::9', 443],
      ];
      const connectors = [{}, { cgroup: path }, { cgroup: '/sys/fs/cgroup', userId: ORDINARY_USER.id }];
      const found = (): Promise<string[][]> => scratch.verdictsAs(connectors, PORT, destinations);
      const expected = (...are: ReadonlyArray<'captured' | 'passed'>): string[][] =>
        are.map((verdict) => destinations.map(() => verdict));
      try {
        await namespace.must(['mkdir', '-p', path]);
        await helper.call({ type: 'use', candidate });
        const plan = planRedirects({
          rules: [rule('0.0.0.0/0'), rule('::/0')],
          listenerPort: PORT,
          families: [4, 6],
          exempt: [],
        });
        const apply = async (...only: ReadonlyArray<Partial<ProgramMatch>>): Promise<void> => {
          const matches = only.map((match) => ({ userId: null, groupId: null, cgroup: null, ...match }));
          await helper.call({ type: 'apply', plan: { ...plan, only: matches } });
        };
        await apply({ userId: ORDINARY_USER.id });
        expect(await found()).toEqual(expected('passed', 'passed', 'captured'));
        await apply({ groupId: 0 }, { userId: ORDINARY_USER.id, groupId: 0 });
        expect(await found()).toEqual(expected('captured', 'captured', 'passed'));
        await apply({ cgroup }, { cgroup: 'tshuttle-lab-gone' });
        expect(await found()).toEqual(expected('passed', 'captured', 'passed'));
        // The same path, and another control group: it is meant from the next plan on.
        await namespace.must(['rmdir', path]);
        await namespace.must(['mkdir', path]);
        expect(await found()).toEqual(expected('passed', 'passed', 'passed'));
        await apply({ cgroup });
        expect(await found()).toEqual(expected('passed', 'captured', 'passed'));
      } finally {
        await helper.close();
        await namespace.exec(['rmdir', path, dirname(path)]);
      }
      expect(await scratch.ourRules()).toEqual([]);
    });
  }

  it('redirect one family alone when asked to', async () => {
    await using scratch = await createScratch();
    const helper = await scratch.openHelper('libnftables');
    const rules = [rule('0.0.0.0/0'), rule('::/0')];
    await helper.call({
      type: 'apply',
      plan: planRedirects({ rules, listenerPort: PORT, families: [4], exempt: [] }),
    });
    const destinations: Destination[] = [
      ['203.0.113.1', 80],
      ['2001:db8::9', 80],
    ];
    expect(await scratch.verdicts(PORT, destinations)).toEqual(['captured', 'passed']);
  });
});

/** Networks inside 203.0.113.0/24 and 2001:db8:99::/120, ports around 100: most of them overlap. */
const BASE: Readonly<Record<IpFamily, bigint>> = {
  4: addressToNumber(4, '203.0.113.0'),
  6: addressToNumber(6, '2001:db8:99::'),
};

function randomAddress(random: (below: number) => number, family: IpFamily): bigint {
  return BASE[family] + BigInt(random(256));
}

function randomRules(random: (below: number) => number): CaptureRule[] {
  return Array.from({ length: 40 }, () => {
    const family: IpFamily = random(3) === 0 ? 6 : 4;
    const bits = family === 4 ? 32 : 128;
    const first = 95 + random(10);
    const ports =
      random(3) === 0 ? { first: 1, last: 65_535 } : { first, last: first + [0, 3, 3, 7][random(4)]! };
    const action = random(3) === 0 ? 'exclude' : 'include';
    return { action, cidr: makeCidr(family, randomAddress(random, family), bits - random(9)), ports };
  });
}

function randomDestination(random: (below: number) => number): Destination {
  const family: IpFamily = random(3) === 0 ? 6 : 4;
  return [numberToAddress(family, randomAddress(random, family)), 90 + random(30)];
}
