import { describe, expect, it } from 'vitest';
import {
  admitsRedirected,
  chainsOfTable,
  inputChains,
  inputDropsOfIptables,
  refusesRest,
} from '../../../../src/intercept/rules/input-facts.ts';
import { parseListedChains } from '../../../../src/intercept/rules/rule-facts.ts';

const LISTED = parseListedChains(`table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy drop;
	}
	chain ufw-user-input {
	}
}
table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy accept;
	}
}
table ip nat {
	chain INPUT {
		type nat hook input priority 100; policy accept;
	}
}
table inet tshuttle-1-2 {
	chain input {
		type filter hook input priority 0; policy drop;
	}
}
`);

describe('what comes in', () => {
  it('is filtered by base chains of others, whose table has more chains', () => {
    const chains = inputChains(LISTED, 'inet tshuttle-1-2');
    expect(chains.map(({ table, name }) => `${table} ${name}`)).toEqual([
      'filter INPUT',
      'firewalld filter_INPUT',
    ]);
    expect(chainsOfTable(LISTED, chains[0]!)).toEqual(['ip filter INPUT', 'ip filter ufw-user-input']);
  });

  it.each([
    ['drop', '', true],
    ['accept', '\t\ttcp dport 22 accept\n', false],
    ['accept', '\t\ttcp dport 22 drop\n', false],
    ['accept', '\t\tdrop\n', true],
    ['accept', '\t\tcounter packets 1 bytes 2 drop\n', true],
    ['accept', '\t\treject with icmpx admin-prohibited\n', true],
  ])('by policy %s and %j: refused %j', (policy, rules, refused) => {
    expect(refusesRest({ policy }, rules)).toBe(refused);
  });

  it.each([
    // firewalld's own, and those that iptables-nft and its translation print.
    ['ct status dnat accept', true],
    ['iifname "docker0" ct status & dnat == dnat counter packets 0 bytes 0 accept', true],
    ['-A INPUT -i docker0 -m conntrack --ctstate DNAT -j ACCEPT', true],
    ['-A ufw-user-input -i docker0 -p tcp -m tcp --dport 12300 -j ACCEPT', true],
    ['tcp dport { 22, 12000-13000 } accept', true],
    ['-A INPUT -p tcp -m multiport --dports 22,12000:13000 -j ACCEPT', true],
    ['tcp dport 12300 drop', false],
    ['tcp dport 1230 accept', false],
    ['ct state established,related accept', false],
    ['-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', false],
  ])('%s admits it: %j', (rule, admits) => {
    expect(admitsRedirected(`-A INPUT -i lo -j ACCEPT\n${rule}\n`, 12_300)).toBe(admits);
  });

  it('is read from iptables-save', () => {
    const ufw = '*filter\n:INPUT DROP [0:0]\n-A INPUT -j ufw-before-input\nCOMMIT';
    expect(inputDropsOfIptables(ufw, 'ip', 12_300)).toEqual(['ip filter INPUT']);
    const allowed = ufw.replace('COMMIT', '-A ufw-user-input -p tcp -m tcp --dport 12300 -j ACCEPT\nCOMMIT');
    expect(inputDropsOfIptables(allowed, 'ip', 12_300)).toEqual([]);
    const redHat =
      '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j REJECT --reject-with icmp-host-prohibited\nCOMMIT';
    expect(inputDropsOfIptables(redHat, 'ip6', 12_300)).toEqual(['ip6 filter INPUT']);
    expect(inputDropsOfIptables('*filter\n:INPUT ACCEPT [0:0]\nCOMMIT', 'ip', 12_300)).toEqual([]);
  });
});
