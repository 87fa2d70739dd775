import { describe, expect, it } from 'vitest';
import {
  renderNft,
  renderNftMaps,
  renderNftRemoval,
  renderNftStale,
  renderNftSwitch,
} from '../../../../src/intercept/rules/nft/nft.ts';
import { parseNftChains, parseNftExemptPorts } from '../../../../src/intercept/rules/nft/nft-listing.ts';
import { orderAt } from '../../../../src/intercept/rules/nft/nft-output-chain.ts';
import { OWNED_SAMPLE_PLANS } from './sample-plans.ts';

const plan = OWNED_SAMPLE_PLANS['both-families']!;
const INSTANCE = '1234-56789-4026531836';

describe('renderNft', () => {
  for (const [name, sample] of Object.entries(OWNED_SAMPLE_PLANS)) {
    it(`renders ${name} as in golden/${name}.nft`, async () => {
      const text = renderNft(sample, { instance: INSTANCE, lifetime: 'owner' });
      await expect(text).toMatchFileSnapshot(`golden/${name}.nft`);
    });
  }

  it('has the rules of a replacement let pass what its plan has exempt, and nothing else', () => {
    const exempt = [{ family: 4, address: '10.0.0.1', port: 22 }] as const;
    const text = renderNftSwitch({ plan: { ...plan, exempt }, lifetime: 'owner', generation: 2 }, plan);
    expect(text).toContain(
      [
        'flush set inet tshuttle-1000-12300 exempt4',
        'add element inet tshuttle-1000-12300 exempt4 { 10.0.0.1 . 22 }',
        'flush set inet tshuttle-1000-12300 exempt6',
        '',
      ].join('\n'),
    );
  });

  it('redirects the datagrams that are to be relayed to the listener’s port, and refuses none', () => {
    const relayed = renderNft({ ...plan, udp: 'relay' }, { instance: INSTANCE, lifetime: 'owner' });
    const refused = renderNft({ ...plan, udp: 'reject' }, { instance: INSTANCE, lifetime: 'owner' });
    expect(relayed).toContain('    meta l4proto udp meta skuid >= 0 redirect to :12300\n');
    expect(relayed).not.toMatch(/reject|meta mark set/);
    // All else is decided alike.
    const decisions = (text: string) => text.slice(text.indexOf('chain output'));
    expect(decisions(relayed)).toBe(decisions(refused));
    expect(
      renderNftSwitch({ plan: { ...plan, udp: 'relay' }, lifetime: 'owner', generation: 2 }, plan),
    ).toContain('flush chain inet tshuttle-1000-12300 spare_udp');
  });

  it('names control groups by how deep they are, and where cgroup2 is', () => {
    const only = [{ userId: 7, groupId: null, cgroup: 'system.slice/a\\x2db.service' }];
    const line = /^ +meta skuid 7 .*$/m;
    const textOf = (cgroupFolder?: string) => {
      const owned = { ...plan, only, ...(cgroupFolder === undefined ? {} : { cgroupFolder }) };
      return line.exec(renderNft(owned, { instance: INSTANCE, lifetime: 'owner' }))?.[0].trim();
    };
    expect(textOf()).toBe('meta skuid 7 socket cgroupv2 level 2 "system.slice/a\\x2db.service" goto chosen');
    expect(textOf('unified/')).toContain('"unified/system.slice/');
  });

  it('has no way to what is captured where nobody is chosen', () => {
    const text = renderNft({ ...plan, only: [] }, { instance: INSTANCE, lifetime: 'owner' });
    expect(text).not.toContain('goto chosen');
    expect(text.split('chain output')[1]).not.toMatch(/redirect|vmap/);
  });

  it('is asked before earlier tunnels, and behind the chains of mangle however many there are', () => {
    const priorities = [undefined, 1, 2, 40, 1_000].map((order) => {
      const owned = order === undefined ? plan : { ...plan, order };
      const text = renderNft(owned, { instance: INSTANCE, lifetime: 'until-removed' });
      return Number(/nat hook output priority (-\d+);/.exec(text)?.[1]);
    });
    expect(priorities).toEqual([-110, -110, -111, -149, -149]);
    expect(orderAt(-111)).toBe(2);
  });

  it('leaves the owner flag out where the table is to outlive the process that makes it', () => {
    const text = renderNft(plan, { instance: INSTANCE, lifetime: 'until-removed' });
    expect(text).not.toContain('flags owner');
  });

  it('names an exempt endpoint once, however often the plan has it', () => {
    const endpoint = { family: 4, address: '10.0.0.1', port: 22 } as const;
    const text = renderNft(
      { ...plan, exempt: [endpoint, endpoint] },
      { instance: INSTANCE, lifetime: 'owner' },
    );
    expect(text.match(/10\.0\.0\.1 \. 22/g)).toHaveLength(1);
  });
});

describe('a replacement', () => {
  const replacement = { plan, lifetime: 'owner', generation: 2 } as const;

  it('brings maps, switches the rules and removes maps as in golden/replacement.nft', async () => {
    const texts = [
      renderNftMaps(replacement),
      renderNftSwitch(replacement, plan),
      renderNftStale({ plan, generation: 1 }),
    ];
    await expect(texts.join('# then\n')).toMatchFileSnapshot('golden/replacement.nft');
  });

  it('empties the chains for others, and leaves none behind that asks a map of before', () => {
    const others = OWNED_SAMPLE_PLANS['others-too']!;
    const text = renderNftSwitch({ ...replacement, plan: others }, others);
    for (const chain of ['incoming', 'prerouting'])
      expect(text).toContain(`flush chain inet tshuttle-1000-12300 ${chain}\n`);
    const alone = renderNftSwitch({ ...replacement, plan: { ...others, alsoFrom: null } }, others);
    expect(alone).toContain('flush chain inet tshuttle-1000-12300 prerouting\n');
    expect(alone).not.toContain('chain incoming {');
    expect(renderNftSwitch(replacement, plan)).not.toContain('prerouting');
  });

  it('shares no map with the plan before, all of whose maps go in the end', () => {
    const created = renderNft(plan, { instance: INSTANCE, lifetime: 'owner' });
    const maps = [...created.matchAll(/^ {2}map (\S+) \{$/gm)].map((match) => match[1]);
    expect(maps.length).toBeGreaterThan(0);
    expect(renderNftStale({ plan, generation: 1 })).toBe(
      maps.map((map) => `delete map inet tshuttle-1000-12300 ${map}\n`).join(''),
    );
    for (const map of maps)
      expect(renderNftMaps(replacement) + renderNftSwitch(replacement, plan)).not.toContain(map);
  });
});

describe('renderNftRemoval', () => {
  it('names the table of this user and port alone, and the instance that must hold it', () => {
    const owner = { userId: 1_000, listenerPort: 12_300 };
    expect(renderNftRemoval(owner)).toBe('delete table inet tshuttle-1000-12300\n');
    expect(renderNftRemoval(owner, '1-2-3')).toBe(
      'delete chain inet tshuttle-1000-12300 helper-1-2-3\ndelete table inet tshuttle-1000-12300\n',
    );
  });
});

describe('parseNftChains', () => {
  it('finds the tables of all tunnels and whose they are', () => {
    const listing = `table inet filter {
	chain helper-1-2-3 {
	}
}
table inet tshuttle-1000-12300 { # progname node
	flags owner
	chain helper-12-34-56 {
	}
	chain output {
		type nat hook output priority -110; policy accept;
	}
}
table inet tshuttle-1000-1080 {
	chain output {
	}
}
table inet tshuttle-1000-1080-copy {
	chain helper-9-9-9 {
	}
}
`;
    expect(parseNftChains(listing)).toEqual([
      { owner: { userId: 1_000, listenerPort: 12_300 }, instance: '12-34-56' },
      { owner: { userId: 1_000, listenerPort: 1_080 }, instance: undefined },
    ]);
  });
});

describe('parseNftExemptPorts', () => {
  it('finds the ports of each of our tables, over several lines, and of no other table', () => {
    const listing = `table inet tshuttle-1000-12300 {
	set exempt4 {
		type ipv4_addr . inet_service
		elements = { 10.0.0.1 . 22 }
	}
	set exempt_ports {
		type inet_service
		elements = { 40001, 40011,
			     40021 }
	}
}
table inet other {
	set exempt_ports {
		type inet_service
		elements = { 1, 2 }
	}
}
table inet tshuttle-1000-12301 {
	set exempt_ports {
		type inet_service
	}
}
`;
    expect([...parseNftExemptPorts(listing)]).toEqual([
      ['inet tshuttle-1000-12300', [40_001, 40_011, 40_021]],
    ]);
    expect([...parseNftExemptPorts('')]).toEqual([]);
  });
});
