import { expect, test, vi } from 'vitest';
import type { Endpoint } from '../../../../src/net/address/endpoint.ts';
import { Exemptions } from '../../../../src/tunnel/bastion/exemptions.ts';

function bastion(last: number): Endpoint {
  return { family: 4, address: `192.0.2.${last}`, port: 22 };
}

test('rules are changed only when an address is new, and the old one goes when the new connection stands', async () => {
  const applied: (readonly Endpoint[])[] = [];
  const exemptions: Exemptions = new Exemptions(async () => void applied.push(exemptions.endpoints));
  await exemptions.add(bastion(1));
  await exemptions.settle([bastion(1)]);
  exemptions.startOver();
  await exemptions.add(bastion(1));
  await exemptions.settle([bastion(1)]);
  expect(applied).toEqual([[bastion(1)]]);

  exemptions.startOver();
  await exemptions.add(bastion(2));
  expect(exemptions.endpoints).toEqual([bastion(1), bastion(2)]);
  await exemptions.settle([bastion(2)]);
  expect(exemptions.endpoints).toEqual([bastion(2)]);
  expect(applied).toEqual([[bastion(1)], [bastion(1), bastion(2)], [bastion(2)]]);
});

test('nothing is dialled before the rules let it pass', async () => {
  let inEffect = (): void => {};
  const exemptions = new Exemptions(() => new Promise((resolve) => (inEffect = resolve)));
  const order: string[] = [];
  const first = exemptions.add(bastion(1)).then(() => order.push('dialled'));
  const second = exemptions.add(bastion(1)).then(() => order.push('dialled'));
  await Promise.resolve();
  order.push('in effect');
  inEffect();
  await Promise.all([first, second]);
  expect(order).toEqual(['in effect', 'dialled', 'dialled']);
});

test('an address that the rules do not let pass is not taken for one that they do', async () => {
  const apply = vi.fn().mockRejectedValueOnce(new Error('refused')).mockResolvedValue(undefined);
  const exemptions = new Exemptions(apply);
  await expect(exemptions.add(bastion(1))).rejects.toThrow('refused');
  expect(exemptions.endpoints).toEqual([]);
  await exemptions.add(bastion(1));
  expect(apply).toHaveBeenCalledTimes(2);
});

test('a bastion with ever new addresses does not fill the rules', async () => {
  const exemptions = new Exemptions(async () => {});
  for (let last = 1; last < 200; last += 1) {
    exemptions.startOver();
    await exemptions.add(bastion(last));
  }
  expect(exemptions.endpoints.length).toBeLessThan(40);
  expect(exemptions.endpoints.at(-1)).toEqual(bastion(199));
});
