import { expect, test } from 'vitest';
import { firewallProblems } from '../../../../src/ingress/capture-check/others-firewall.ts';
import type { TrafficSource } from '../../../../src/net/address/traffic-source.ts';

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

const LAN6: TrafficSource = { kind: 'network', address: 'fd00:50::', prefixLength: 64 };

test('each source is admitted, in the chains of its family', () => {
  const remedyOf = (ufw: boolean, inputDrops: readonly string[]) =>
    firewallProblems({ inputDrops, ufw }, [BRIDGES, LAN, LAN6])[0]?.remedy;
  const admit = '-m conntrack --ctstate DNAT -j ACCEPT';
  expect(remedyOf(false, ['ip filter INPUT', 'ip6 filter INPUT'])).toBe(
    `admit that: ${[
      `sudo iptables -I INPUT -i br-+ ${admit}`,
      `sudo iptables -I INPUT -s 192.168.50.0/24 ${admit}`,
      `sudo ip6tables -I INPUT -i br-+ ${admit}`,
      `sudo ip6tables -I INPUT -s fd00:50::/64 ${admit}`,
    ].join('; ')}`,
  );
  expect(remedyOf(false, ['inet filter input'])?.match(/iifname|ip6? saddr/g)).toEqual([
    'iifname',
    'ip saddr',
    'ip6 saddr',
  ]);
  const byUfw = remedyOf(true, ['ip filter INPUT']);
  expect(byUfw).toContain(`in /etc/ufw/before.rules: -A ufw-before-input -s 192.168.50.0/24 ${admit}`);
  expect(byUfw).toContain(`in /etc/ufw/before6.rules: -A ufw6-before-input -s fd00:50::/64 ${admit}; then`);
  expect(firewallProblems({ inputDrops: ['ip filter INPUT'], ufw: false }, [LAN6])).toEqual([]);
});
