import { expect, test } from 'vitest';
import { parseSubnet } from '../../../../src/config/parse/networks/subnet.ts';
import type { CaptureRule } from '../../../../src/net/address/capture-rule.ts';
import { describeCaptured } from '../../../../src/tunnel/status/ready-line.ts';

function rule(text: string, action: CaptureRule['action'] = 'include'): CaptureRule {
  const parsed = parseSubnet(text);
  if (parsed.kind !== 'network') throw new Error(text);
  return { action, cidr: parsed.cidr, ports: parsed.ports };
}

test('what is captured is named once, however often it was asked for', () => {
  const rules = ['10.0.0.1:5000', '10.0.0.1:5000', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.4'].map(
    (text) => rule(text),
  );
  const excludes = [rule('10.9.0.0/16', 'exclude'), rule('10.9.0.0/16', 'exclude')];
  expect(describeCaptured([...rules, ...excludes], undefined)).toBe(
    'capturing 10.0.0.1:5000, 10.0.0.2, 10.0.0.3 and 1 more (1 excluded)',
  );
});

test('nothing is captured without a network and without DNS', () => {
  expect(describeCaptured([rule('10.9.0.0/16', 'exclude')], undefined)).toBe('');
});
