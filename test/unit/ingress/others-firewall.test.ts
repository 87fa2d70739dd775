import { expect, test } from 'vitest';
import { firewallProblems } from '../../../src/ingress/others-firewall.ts';
import type { TrafficSource } from '../../../src/net/address/traffic-source.ts';

const BRIDGES: TrafficSource = { kind: 'interface', name: 'br-*' };
const LAN: TrafficSource = { kind: 'network', address: '192.168.50.0', prefixLength: 24 };

test('nothing is wrong where nothing drops, or nobody else is captured', () => {
  expect(firewallProblems({ inputDrops: [], ufw: true }, [BRIDGES])).toEqual([]);
  expect(firewallProblems({ inputDrops: ['ip filter INPUT'], ufw: true }, [])).toEqual([]);
});

test.each([
  [
    true,
    ['ip filter INPUT'],
    BRIDGES,
    'write before COMMIT in /etc/ufw/before.rules: -A ufw-before-input -i br-+ -m conntrack --ctstate DNAT -j ACCEPT (for IPv6 in before6.rules, -A ufw6-before-input); then: sudo ufw reload',
  ],
  [
    false,
    ['ip filter INPUT', 'ip6 filter INPUT'],
    BRIDGES,
    'admit that: sudo iptables -I INPUT -i br-+ -m conntrack --ctstate DNAT -j ACCEPT; sudo ip6tables -I INPUT -i br-+ -m conntrack --ctstate DNAT -j ACCEPT',
  ],
  [
    false,
    ['inet filter input'],
    LAN,
    'admit that: sudo nft insert rule inet filter input ip saddr 192.168.50.0/24 ct status dnat accept',
  ],
  [
    false,
    ['inet filter input'],
    BRIDGES,
    `admit that: sudo nft insert rule inet filter input iifname '"br-*"' ct status dnat accept`,
  ],
])('ufw %j, %j: the exact rule is told', (ufw, inputDrops, source, remedy) => {
  const [problem, ...others] = firewallProblems({ inputDrops, ufw }, [source]);
  expect(others).toEqual([]);
  expect(problem).toMatchObject({ cause: 'others-firewall', remedy });
  expect(problem?.what).toContain(inputDrops[0]);
});
