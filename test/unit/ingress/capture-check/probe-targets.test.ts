import { describe, expect, it } from 'vitest';
import { hasHalfOpen } from '../../../../src/ingress/capture-check/capture-probe.ts';
import { probeTargets } from '../../../../src/ingress/capture-check/probe-targets.ts';
import { formatCidr } from '../../../../src/net/address/cidr.ts';
import { parseCidr } from '../../../../src/net/address/parse-cidr.ts';
import { parseRoutes4, parseRoutes6 } from '../../../../src/net/machine/reject-routes.ts';
import { rule } from '../../intercept/rules/rule.ts';

const places = (...args: Parameters<typeof probeTargets>): readonly string[] =>
  probeTargets(...args).map(({ address, port, network }) => `${address} ${port} of ${network}`);

describe('probeTargets', () => {
  it('goes to the middle of each network, and to the highest port that is captured there', () => {
    const rules = [
      rule('10.0.0.0/8'),
      rule('192.0.2.7:443'),
      rule('198.51.100.0/24:8000-9000'),
      rule('fd77::/64'),
    ];
    expect(places(rules, [], [])).toEqual([
      '10.128.0.0 65535 of 10.0.0.0/8',
      '192.0.2.7 443 of 192.0.2.7',
      '198.51.100.128 9000 of 198.51.100.0/24',
      'fd77::8000:0:0:0 65535 of fd77::/64',
    ]);
  });

  it('leaves out what is not captured there after all', () => {
    const excluded = [rule('10.0.0.0/8'), rule('10.128.0.0/9', 'exclude')];
    expect(places(excluded, [], [])).toEqual(['10.127.255.255 65535 of 10.0.0.0/8']);
    expect(places([rule('10.0.0.0/24'), rule('10.0.0.0/24:65535', 'exclude')], [], [])).toEqual([
      '10.0.0.128 1 of 10.0.0.0/24',
    ]);
    const bastion = { family: 4, address: '192.0.2.7', port: 22 } as const;
    expect(places([rule('192.0.2.7:22')], [bastion], [])).toEqual([]);
    expect(places([rule('127.0.0.0/8'), rule('169.254.0.0/16'), rule('fe80::/10')], [], [])).toEqual([]);
  });

  it('has one for each route within a network that refuses connections', () => {
    const refused = ['10.9.0.0/16', '192.0.2.0/24'].map((text) => parseCidr(text)!);
    expect(places([rule('10.0.0.0/8:443')], [], refused)).toEqual([
      '10.128.0.0 443 of 10.0.0.0/8',
      '10.9.128.0 443 of 10.9.0.0/16',
    ]);
  });

  it('is bounded', () => {
    const many = Array.from({ length: 20_000 }, (_, index) => rule(`10.${index >> 8}.${index & 255}.0/24`));
    expect(places(many, [], [])).toHaveLength(128);
  });
});

describe('routes that refuse', () => {
  it('are read as the kernel shows them', () => {
    const table4 = [
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
      'up0\t00000000\t016433C6\t0003\t0\t0\t0\t00000000\t0\t0\t0',
      '*\t0000010A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
      '*\t4000020A\t00000000\t0201\t0\t0\t0\tF0FFFFFF\t0\t0\t0',
    ].join('\n');
    expect(parseRoutes4(table4).map(formatCidr)).toEqual(['10.1.0.0/16', '10.2.0.64/28']);
    const zeros = '0'.repeat(32);
    const table6 = [
      `20010db8005100000000000000000000 40 ${zeros} 00 ${zeros} 00000100 00000001 00000000 00000001      up0`,
      `fd710000000000000000000000000000 10 ${zeros} 00 ${zeros} 00000400 00000003 00000000 00200200       lo`,
      `${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo`,
    ].join('\n');
    expect(parseRoutes6(table6).map(formatCidr)).toEqual(['fd71::/16']);
    expect([...parseRoutes4('rubbish\n*\t\t'), ...parseRoutes6('rubbish')]).toEqual([]);
  });

  it('and a connection that waits for its third packet is found', () => {
    const line =
      '   1: 0100007F:270F 0200C80A:9308 03 00000000:00000000 01:00000063 00000001     0        0 0';
    expect(hasHalfOpen(line, 9999, 0x9308)).toBe(true);
    expect(hasHalfOpen(line, 9999, 0x9309)).toBe(false);
    expect(hasHalfOpen(line.replace(' 03 ', ' 01 '), 9999, 0x9308)).toBe(false);
  });
});
