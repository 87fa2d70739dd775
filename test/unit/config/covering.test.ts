import { expect, test } from 'vitest';
import { covers } from '../../../src/config/covering.ts';
import { parseSubnet } from '../../../src/config/parse/networks/subnet.ts';
import type { CaptureRule } from '../../../src/net/address/capture-rule.ts';

/** `10.0.0.0/8 -10.1.0.0/16`: an include, and an exclude. */
function rules(text: string): CaptureRule[] {
  return text.split(' ').map((word) => {
    const subnet = parseSubnet(word.replace(/^-/, ''));
    if (subnet.kind !== 'network') throw new Error(word);
    return { action: word.startsWith('-') ? 'exclude' : 'include', cidr: subnet.cidr, ports: subnet.ports };
  });
}

test.each([
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['10.0.0.0/8', '10.2.0.0/16:443 10.3.0.0/16'],
  ['10.0.0.0/8:400-500 2001:db8::/32', '10.0.0.1:443 2001:db8::1'],
  ['0/0 -192.168.0.0/16', '10.0.0.0/8'],
  ['0/0 -192.168.0.0/16', '0/0 -192.168.0.0/16'],
  ['0/0 -192.168.1.0/24', '0/0 -192.168.0.0/16'],
  ['10.0.0.0/8', '10.0.0.0/8 -10.1.0.0/16'],
])('%s captures all of %s', (held, asked) => {
  expect(covers(rules(held), rules(asked))).toBe(true);
});

test.each([
  ['10.0.0.0/8', '10.0.0.0/7'],
  ['10.0.0.0/8:443', '10.0.0.0/8'],
  ['10.0.0.0/8:443', '10.0.0.0/8:442-443'],
  ['10.0.0.0/8', '10.0.0.0/8 192.168.0.0/16'],
  ['0/0', '::/0'],
  ['0/0 -192.168.0.0/16', '0/0'],
  ['0/0 -192.168.0.0/16', '192.168.1.0/24'],
  ['0/0 -192.168.0.0/16', '0/0 -192.168.1.0/24'],
  // The narrower rule decides, which is an include here.
  ['0/0 -192.168.0.0/16', '192.168.1.0/24 -192.168.0.0/16'],
])('%s does not capture all of %s', (held, asked) => {
  expect(covers(rules(held), rules(asked))).toBe(false);
});
