import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { RulesNews } from '../../../src/intercept/protocol/protocol.ts';
import { planRedirects } from '../../../src/intercept/rules/plan.ts';
import type { Candidate } from '../../../src/intercept/rules/redirect-methods.ts';

import { skipLab } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import { rule } from '../../unit/intercept/rules/rule.ts';
import { createScratch, type Destination, type Scratch } from './scratch.ts';

const PORT = 12_300;
const CAPTURED: readonly Destination[] = [
  ['203.0.113.9', 80],
  ['2001:db8::9', 80],
];
const PLAN = planRedirects({
  rules: [rule('203.0.113.0/24'), rule('2001:db8::/64')],
  listenerPort: PORT,
  families: [4, 6],
  exempt: [{ family: 4, address: '203.0.113.1', port: 22 }],
});

/** A helper whose rules are set, and what it says unasked. */
async function hold(scratch: Scratch, candidate: Candidate) {
  const told: RulesNews[] = [];
  const helper = await scratch.openHelper(candidate, (news) => told.push(news));
  await helper.call({ type: 'apply', plan: PLAN });
  const untilTold = (times: number, deadlineMs = 2_000) =>
    until(() => told.length >= times, {
      deadlineMs,
      what: () => `told ${times} times: ${JSON.stringify(told)}`,
    });
  return { helper, told, untilTold };
}

describe.skipIf(skipLab)('rules that somebody else removes', () => {
  it.each<[Candidate, string, RegExp]>([
    ['iptables', 'iptables -t nat -F', /^iptables \(process \d+\) has removed redirect rules \(iptables: /],
    ['iptables', 'iptables -t nat -F OUTPUT', /OUTPUT does not lead to TSHUTTLE-0-12300 any more/],
    [
      'iptables',
      'printf "*nat\\nCOMMIT\\n" | iptables-restore',
      /^iptables-restor.* the chain TSHUTTLE-0-12300 is gone/,
    ],
    ['iptables', 'ip6tables -t nat -D OUTPUT -j TSHUTTLE-0-12300', /\(ip6tables: OUTPUT does not lead/],
    ['iptables', 'iptables -t nat -F TSHUTTLE-0-12300-G', /\(iptables: 1 of \d+ in TSHUTTLE-0-12300\)/],
    ['iptables', 'nft flush ruleset', /^nft \(process \d+\) has removed/],
    [
      'libnftables-unowned',
      'nft flush ruleset',
      /^nft \(process \d+\) has removed .*chain output of the table inet tshuttle-0-12300 is gone/,
    ],
    ['libnftables-unowned', 'nft delete table inet tshuttle-0-12300', /is gone/],
    ['libnftables-unowned', 'nft flush chain inet tshuttle-0-12300 capture', /those of the chain capture/],
    [
      'tproxy',
      'ip rule del pref 116',
      /^another program has .*\(ip -4: .* for packets with mark 0x01000000\)$/,
    ],
    ['tproxy', 'ip -6 route flush table all proto 116', /\(ip -6: the rule or the route for packets/],
  ])('by %s: %s: they are put back at once, and capture', async (candidate, command, what) => {
    await using scratch = await createScratch();
    const { helper, told, untilTold } = await hold(scratch, candidate);
    const exempt = [{ family: 4, address: '203.0.113.2', port: 22 }] as const;
    await helper.call({ type: 'apply', plan: { ...PLAN, exempt } });
    await scratch.namespace.must(['sh', '-c', command]);
    await untilTold(1);
    expect(told).toEqual([{ state: 'back', what: expect.stringMatching(what) }]);
    const verdicts = await scratch.verdicts(PORT, [...CAPTURED, ['203.0.113.2', 22]]);
    // What refuses all that passes has gone with the ruleset, too.
    expect(verdicts).toEqual(['captured', 'captured', expect.stringMatching(/passed|EHOSTUNREACH/)]);
    await helper.close();
    expect(await scratch.ourRules()).toEqual([]);
    expect(told).toHaveLength(1);
  });

  it.each<Candidate>(['iptables', 'libnftables-unowned'])(
    'of several tunnels, by %s: the latest is asked first again, whichever is the last to put its own back',
    async (candidate) => {
      await using scratch = await createScratch();
      const helpers = [];
      for (const listenerPort of [12_300, 12_400, 12_500]) {
        const helper = await scratch.openHelper(candidate);
        await helper.call({ type: 'apply', plan: { ...PLAN, listenerPort } });
        helpers.push(helper);
      }
      const [first, second, third] = helpers;
      const flush =
        candidate === 'libnftables-unowned'
          ? ['nft', 'flush', 'ruleset']
          : ['sh', '-c', 'iptables -t nat -F; ip6tables -t nat -F'];
      const untilBack = (ports: readonly number[]) =>
        until(
          async () => {
            const rules = (await scratch.ourRules()).join();
            return ports.every((port) => new RegExp(`OUTPUT .*-${port}\\b|table .*-${port}\\b`).test(rules));
          },
          { deadlineMs: 5_000, what: () => `rules of ${ports.join()} are back` },
        );
      for (const helper of [first!, second!]) process.kill(helper.pid, 'SIGSTOP');
      await scratch.namespace.must(flush);
      await untilBack([12_500]);
      process.kill(first!.pid, 'SIGCONT');
      await untilBack([12_500, 12_300]);
      process.kill(second!.pid, 'SIGCONT');
      await untilBack([12_500, 12_300, 12_400]);
      // A request waits until the rules that are being put back are.
      for (const helper of helpers) await helper.call({ type: 'look' });
      const destination: Destination = ['203.0.113.9', 80];
      expect(await scratch.verdicts(12_500, [destination])).toEqual(['captured']);
      await third!.close();
      expect(await scratch.verdicts(12_400, [destination])).toEqual(['captured']);
      await second!.close();
      expect(await scratch.verdicts(12_300, [destination])).toEqual(['captured']);
    },
  );

  it('stay where the kernel keeps them for their owner', async () => {
    await using scratch = await createScratch();
    const { told } = await hold(scratch, 'libnftables');
    await scratch.namespace.must(['nft', 'flush', 'ruleset']);
    expect(await scratch.verdicts(PORT, CAPTURED)).toEqual(['captured', 'captured']);
    expect(told).toEqual([]);
  });

  it('by iptables-legacy, of which no event tells: are put back, too', async () => {
    await using scratch = await createScratch();
    const { told, untilTold } = await hold(scratch, 'iptables-legacy');
    await scratch.namespace.must(['ip6tables-legacy', '-t', 'nat', '-F']);
    await untilTold(1, 13_000);
    expect(told).toEqual([
      { state: 'back', what: expect.stringMatching(/^another program .*ip6tables-legacy: /) },
    ]);
    expect(await scratch.verdicts(PORT, CAPTURED)).toEqual(['captured', 'captured']);
  });

  it('again and again: it is said that nothing is captured, and not before', async () => {
    await using scratch = await createScratch();
    const { told, untilTold, helper } = await hold(scratch, 'iptables');
    for (let times = 1; times <= 5; times += 1) {
      await scratch.namespace.must(['iptables', '-t', 'nat', '-F']);
      await untilTold(times);
    }
    expect(told.map(({ state }) => state)).toEqual(['back', 'back', 'back', 'back', 'lost']);
    // A request brings about what it says whatever there is.
    await helper.call({ type: 'apply', plan: PLAN });
    await untilTold(6);
    expect(told.at(-1)).toMatchObject({ state: 'back' });
    expect(await scratch.verdicts(PORT, CAPTURED)).toEqual(['captured', 'captured']);
  });

  it('a flood of changes that are none of ours puts nothing back, and costs little', async () => {
    await using scratch = await createScratch();
    const { helper, told, untilTold } = await hold(scratch, 'iptables');
    const before = await cpuTicks(helper.pid);
    // Some 60,000 messages, in the table where our rules are as well.
    const round = `${'add rule ip nat OTHER counter\n'.repeat(100)}flush chain ip nat OTHER\n`;
    await scratch.namespace.must(['nft', 'add chain ip nat OTHER']);
    const startedMs = performance.now();
    await scratch.namespace.must(['nft', '-f', '-'], { stdin: round.repeat(20) });
    for (let rounds = 0; rounds < 30; rounds += 1) {
      await scratch.namespace.must(['nft', '-f', '-'], { stdin: round.repeat(10) });
    }
    const passedMs = performance.now() - startedMs;
    const busyMs = ((await cpuTicks(helper.pid)) - before) * 10;
    expect(told).toEqual([]);
    expect(busyMs, `${busyMs} ms of CPU in ${passedMs} ms`).toBeLessThan(500 + passedMs / 4);
    await scratch.namespace.must(['iptables', '-t', 'nat', '-F']);
    await untilTold(1, 10_000);
    expect(told).toMatchObject([{ state: 'back' }]);
  });
});

/** What a process has used of the CPU, in 1/100 s: fields 14 and 15 of /proc/PID/stat. */
async function cpuTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
