import { describe, expect, it } from 'vitest';
import { openInterceptor } from '../../../src/intercept/helper-interceptor.ts';
import { planRedirects } from '../../../src/intercept/rules/plan.ts';
import { makeCidr } from '../../../src/net/address/cidr.ts';
import { addressToNumber, numberToAddress } from '../../../src/net/address/literal.ts';
import { ALL_PORTS } from '../../../src/net/address/port-range.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { createScratch, type Destination, planFor, SILENT } from './scratch.ts';

const PORT = 12_300;

describe.skipIf(skipLab)('rules that replace rules', () => {
  for (const candidate of ['libnftables', 'libnftables-unowned', 'iptables', 'tproxy'] as const) {
    it(`by ${candidate}: no connection sees a gap, and none to an exempt endpoint is captured`, async () => {
      await using scratch = await createScratch();
      const helper = await scratch.openHelper(candidate);
      const exempt = { family: 4, address: '203.0.113.1', port: 22 } as const;
      const plans = ['203.0.113.255', '203.0.114.255'].map((last) => ({
        ...planFor(PORT, '203.0.113.0', last),
        exempt: [exempt],
      }));
      await helper.call({ type: 'apply', plan: plans[0]! });
      let replacements = 0;
      let isConnecting = true;
      const replacing = (async () => {
        while (isConnecting) {
          await helper.call({
            type: 'apply',
            plan: {
              ...plans[replacements % 2]!,
              exempt: [exempt, { ...exempt, port: 2_000 + (replacements % 50) }],
            },
          });
          replacements += 1;
        }
      })();
      const destinations = Array.from(
        { length: 4_000 },
        (_, index): Destination => (index % 2 === 0 ? ['203.0.113.1', 22] : ['203.0.113.9', 1 + index]),
      );
      const connecting = scratch.verdicts(PORT, destinations).finally(() => {
        isConnecting = false;
      });
      const [verdicts] = await Promise.all([connecting, replacing]);
      const wrong = verdicts.filter(
        (verdict, index) => verdict !== (index % 2 === 0 ? 'passed' : 'captured'),
      );
      expect(wrong, `of ${destinations.length} connections during ${replacements} replacements`).toEqual([]);
      expect(replacements).toBeGreaterThan(5);
    });
  }

  it('are not installed at all when the kernel refuses them, and those before stay', async () => {
    await using scratch = await createScratch();
    const interceptor = await openInterceptor({
      method: 'nft',
      logger: SILENT,
      command: scratch.helperCommand,
    });
    await interceptor.apply(planFor(PORT, '203.0.113.0', '203.0.113.255'));
    // Another table of ours under the name that the next plan of a second interceptor wants, held by a living owner.
    const second = await openInterceptor({ method: 'nft', logger: SILENT, command: scratch.helperCommand });
    await expect(second.apply(planFor(PORT, '10.0.0.0', '10.0.0.255'))).rejects.toMatchObject({
      code: 'ERR_INTERCEPT_APPLY',
    });
    expect(
      await scratch.verdicts(PORT, [
        ['203.0.113.9', 80],
        ['10.0.0.9', 80],
      ]),
    ).toEqual(['captured', 'passed']);
    await second.close();
    expect(await scratch.verdicts(PORT, [['203.0.113.9', 80]])).toEqual(['captured']);
    await interceptor.close();
    expect(await scratch.ourRules()).toEqual([]);
  });
});

describe.skipIf(skipLab)('two instances', () => {
  for (const method of ['nft', 'iptables', 'tproxy'] as const) {
    it(`with ${method} capture side by side, and each removes only its own`, async () => {
      await using scratch = await createScratch();
      const open = () => openInterceptor({ method, logger: SILENT, command: scratch.helperCommand });
      const [first, second] = [await open(), await open()];
      await first.apply(planFor(12_300, '203.0.113.0', '203.0.113.255'));
      await second.apply(planFor(12_400, '192.0.2.0', '192.0.2.255'));
      const destinations: Destination[] = [
        ['203.0.113.9', 80],
        ['192.0.2.9', 80],
      ];
      expect((await scratch.verdicts(12_300, destinations))[0]).toBe('captured');
      expect((await scratch.verdicts(12_400, destinations))[1]).toBe('captured');
      await first.close();
      expect(await scratch.verdicts(12_400, destinations)).toEqual(['passed', 'captured']);
      await second.close();
      expect(await scratch.ourRules()).toEqual([]);
    });
  }
});

describe.skipIf(skipLab)('20,000 networks', () => {
  it('are planned, sent and loaded, and decide right', async () => {
    await using scratch = await createScratch();
    const interceptor = await openInterceptor({
      method: 'nft',
      logger: SILENT,
      command: scratch.helperCommand,
    });
    // Every other /24 from 10.0.0.0 on, so that none merge.
    const base = addressToNumber(4, '10.0.0.0');
    const networks = Array.from({ length: 20_000 }, (_, index) =>
      makeCidr(4, base + 512n * BigInt(index), 24),
    );
    const rules = networks.map((cidr) => ({ action: 'include' as const, cidr, ports: ALL_PORTS }));
    const startedMs = performance.now();
    const plan = planRedirects({
      rules,
      listenerPort: PORT,
      families: [4, 6],
      exempt: [],
    });
    const plannedMs = performance.now();
    await interceptor.apply(plan);
    const appliedMs = performance.now();
    console.log(
      `20,000 networks: planned in ${(plannedMs - startedMs).toFixed()} ms, ` +
        `installed in ${(appliedMs - plannedMs).toFixed()} ms (${plan.groups[0]?.intervals4.length} intervals)`,
    );
    const destinations = networks
      .filter((_, index) => index % 97 === 0)
      .flatMap((cidr): Destination[] => [
        [numberToAddress(4, cidr.first), 80],
        [numberToAddress(4, cidr.last), 80],
        [numberToAddress(4, cidr.last + 1n), 80],
      ]);
    const verdicts = await scratch.verdicts(PORT, destinations);
    expect(verdicts).toEqual(destinations.map((_, index) => (index % 3 === 2 ? 'passed' : 'captured')));
    await interceptor.close();
    expect(await scratch.ourRules()).toEqual([]);
  });
});
