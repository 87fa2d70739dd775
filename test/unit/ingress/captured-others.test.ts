import { expect, test } from 'vitest';
import { CapturedOthers } from '../../../src/ingress/captured-others.ts';
import type { TrafficSource } from '../../../src/net/address/traffic-source.ts';
import { NO_INTERFACES } from '../../../src/net/machine/source-interfaces.ts';

const BRIDGES: TrafficSource = { kind: 'interface', name: 'br-*' };
const REFUSED = {
  cause: 'others-listener',
  what: 'what comes in by br-1 is not accepted',
  remedy: 'wait',
} as const;

test('what is refused, what is left out, and what a firewall drops are told together', async () => {
  const others = new CapturedOthers([BRIDGES], { followOthers: async () => [REFUSED] });
  await others.follow({ ...NO_INTERFACES, leftOut: 6 });
  const facts = { inputDrops: ['inet filter input'], ufw: false };
  const problems = await others.check(async () => facts as never);
  expect(problems.map(({ cause }) => cause)).toEqual([
    'others-listener',
    'others-listener',
    'others-firewall',
  ]);
  expect(problems[1]).toMatchObject({
    what: 'the interfaces of br-* have more than 0 addresses: what comes in by 6 of them is not captured',
    remedy: 'name fewer interfaces with --also-from',
  });
  await others.follow(NO_INTERFACES);
  expect(await others.check(async () => undefined)).toEqual([REFUSED]);
});

test('without sources the rules of the machine are not looked at', async () => {
  const others = new CapturedOthers([], { followOthers: async () => [] });
  expect(await others.check(() => Promise.reject(new Error('looked')))).toEqual([]);
  expect(others.alsoFrom).toBeUndefined();
});
