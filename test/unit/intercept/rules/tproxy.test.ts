import { describe, expect, it } from 'vitest';
import {
  renderNft,
  renderNftAnnouncement,
  renderNftSwitch,
} from '../../../../src/intercept/rules/nft/nft.ts';
import { parseNftChains } from '../../../../src/intercept/rules/nft/nft-listing.ts';
import { renderPlan } from '../../../../src/intercept/rules/render-plan.ts';
import {
  areConfused,
  FREE_MARKS,
  markOfBits,
  markTable,
  parseMarkChain,
} from '../../../../src/intercept/rules/tproxy/packet-mark.ts';
import { OWNED_SAMPLE_PLANS } from './sample-plans.ts';

const INSTANCE = '1234-56789-4026531836';
const diversion = FREE_MARKS[0]!;
const plan = { ...OWNED_SAMPLE_PLANS['both-families']!, udp: 'direct', diversion } as const;
const others = { ...OWNED_SAMPLE_PLANS['others-too']!, diversion };
const dns = { redirects: [{ nameserver: '192.0.2.53', port: 12_353 }], exemptPorts: [40_000] };

describe('a diversion', () => {
  it.each([
    ['tproxy', { ...plan, dns: null }],
    ['tproxy-dns-disguised', { ...plan, dns, udp: 'reject', replies: 'disguised' }],
    ['tproxy-others-too', others],
  ] as const)('is rendered as in golden/%s.nft', async (name, sample) => {
    const text = renderNft(sample, { instance: INSTANCE, lifetime: 'owner' });
    await expect(text).toMatchFileSnapshot(`golden/${name}.nft`);
  });

  it('translates no address but those of queries, and none at all without DNS', () => {
    const options = { instance: INSTANCE, lifetime: 'owner' } as const;
    expect(renderNft({ ...plan, dns: null }, options)).not.toMatch(/redirect|type nat/);
    const redirects = renderNft({ ...plan, dns }, options).match(/^.*redirect.*$/gm);
    expect(redirects).toEqual([
      '    ip daddr 192.0.2.53 udp dport 53 redirect to :12353',
      '    ip daddr 192.0.2.53 tcp dport 53 redirect to :12353',
    ]);
  });

  it('marks with its own bits alone', () => {
    const sets = renderNft(plan, { instance: INSTANCE, lifetime: 'owner' }).match(/mark set .*$/gm) ?? [];
    expect(sets.length).toBe(3);
    for (const set of sets) expect(set).toMatch(/mark & 0xf0ffffff \| 0x01000000/);
  });

  it.each([
    [
      { ...plan, dns },
      /add chain \S+ \S+ datagrams \{ type nat[^}]*\}\nflush chain \S+ \S+ datagrams\n(?!delete)/,
    ],
    [{ ...plan, dns: null }, /flush chain \S+ \S+ datagrams\ndelete chain \S+ \S+ datagrams\n/],
  ])('replaces all its chains at one instant, also where DNS comes or goes', (next, expected) => {
    const text = renderNftSwitch({ plan: next, lifetime: 'owner', generation: 2 }, plan);
    expect(text).toMatch(/flush chain \S+ \S+ output\nflush chain \S+ \S+ divert\n/);
    expect(text).toMatch(expected);
  });

  it('has what others send redirected, and nothing of that marked', () => {
    const options = { instance: INSTANCE, lifetime: 'owner' } as const;
    const incoming = /chain incoming \{\n([^}]*)\}/
      .exec(renderNft(others, options))?.[1]
      ?.trim()
      .split(/\n +/);
    expect(incoming).toEqual([
      'ct mark & 0x0f000000 != 0 return',
      'jump decided',
      'meta l4proto tcp ct mark & 0x0f000000 == 0x01000000 ct mark set ct mark & 0xf0ffffff meta mark set meta mark & 0xf0ffffff redirect to :12300',
    ]);
    const next = { plan: { ...others, alsoFrom: null }, lifetime: 'owner', generation: 2 } as const;
    const text = renderNftSwitch(next, others);
    for (const chain of ['decided', 'incoming', 'prerouting'])
      expect(text).toContain(`flush chain inet tshuttle-1000-12300 ${chain}\n`);
    expect(text).not.toMatch(/^ {2}chain (?:decided|incoming|prerouting)/m);
  });

  it('is announced by a table without rules, from which its mark can be told', () => {
    const text = renderNftAnnouncement(plan, { instance: INSTANCE, lifetime: 'owner' });
    expect(text).not.toMatch(/type|set|hook/);
    const listing = text.slice(text.indexOf('table inet', text.indexOf('delete table') + 20));
    expect(parseNftChains(listing)).toMatchObject([{ instance: INSTANCE, mark: diversion }]);
  });

  it('is shown with the routes that the helper makes', () => {
    const text = renderPlan('tproxy', { ...OWNED_SAMPLE_PLANS['both-families']!, tmark: 0x10 });
    expect(text).toContain('# ip -4 rule add pref 116 fwmark 0x00000010/0x00000010 lookup 1953693712\n');
    expect(text).toContain('# ip -6 route add local default dev lo table 1953693712\n');
    expect(text).toContain('meta mark & 0xffffffef | 0x00000010');
  });
});

describe('marks', () => {
  it('are told apart, each from all others', () => {
    expect(FREE_MARKS).toHaveLength(15);
    for (const one of FREE_MARKS)
      for (const other of FREE_MARKS) expect(areConfused(one, other)).toBe(one === other);
    expect(new Set(FREE_MARKS.map(markTable)).size).toBe(15);
  });

  it('are confused when the packets of one are taken for those of the other', () => {
    expect(areConfused(markOfBits(0x1), markOfBits(0x3))).toBe(true);
    expect(areConfused(markOfBits(0x1), markOfBits(0x2))).toBe(false);
    expect(areConfused(markOfBits(0x8000_0000), markOfBits(0x8000_0000))).toBe(true);
    expect(areConfused(markOfBits(0x0100_0000), FREE_MARKS[2]!)).toBe(true);
    expect(areConfused(markOfBits(0x1000_0000), FREE_MARKS[2]!)).toBe(false);
  });

  it('are read from nothing but the names that we give', () => {
    expect(parseMarkChain('mark-0x01000000-0x0f000000')).toEqual(diversion);
    for (const name of ['mark-1-1', 'helper-1-2-3', 'mark-0x01000000-0x0f000000-'])
      expect(parseMarkChain(name)).toBeUndefined();
  });
});
