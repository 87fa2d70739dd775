import { describe, expect, it } from 'vitest';
import { decidingRule, formatCaptureRule } from '../../../../src/net/address/capture-rule.ts';
import { rule } from '../../intercept/rules/rule.ts';

const RULES = [
  rule('10.0.0.0/8'),
  rule('10.1.0.0/16', 'exclude'),
  rule('10.1.2.0/24:443'),
  rule('10.2.0.0/16'),
  rule('10.2.0.0/16', 'exclude'),
  rule('fd00::/8:8000-8999'),
];

describe('decidingRule', () => {
  it.each([
    ['10.9.9.9', 80, 'include 10.0.0.0/8'],
    ['10.1.9.9', 80, 'exclude 10.1.0.0/16'],
    ['10.1.2.3', 443, 'include 10.1.2.0/24:443'],
    ['10.1.2.3', 80, 'exclude 10.1.0.0/16'],
    ['10.2.0.1', 80, 'exclude 10.2.0.0/16'],
    ['fd00::1', 8500, 'include [fd00::/8]:8000-8999'],
    ['fd00::1', 80, undefined],
    ['192.0.2.1', 80, undefined],
    // As if for all ports.
    ['10.1.2.3', undefined, 'include 10.1.2.0/24:443'],
    ['fd00::1', undefined, 'include [fd00::/8]:8000-8999'],
    ['10.2.0.1', undefined, 'exclude 10.2.0.0/16'],
  ])('%s:%s', (address, port, expected) => {
    const deciding = decidingRule(RULES, { family: address.includes(':') ? 6 : 4, address }, port);
    const text = deciding === undefined ? undefined : `${deciding.action} ${formatCaptureRule(deciding)}`;
    expect(text).toBe(expected);
  });
});
