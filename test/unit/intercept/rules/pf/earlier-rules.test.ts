import { describe, expect, it } from 'vitest';
import {
  anchorsBefore,
  earlierRules,
  mayDecide,
} from '../../../../../src/intercept/rules/pf/earlier-rules.ts';

describe('earlierRules', () => {
  it('has what decides at once, or calls other anchors, before ours', () => {
    const rules = [
      'scrub-anchor "com.apple/*" all fragment reassemble',
      'pass out quick all flags S/SA keep state',
      'pass out all flags S/SA keep state',
      'pass quick on en0 all flags S/SA keep state',
      'pass in quick all flags S/SA keep state',
      'block drop in quick all',
      'block return out quick all',
      'block drop quick all',
      'anchor "vpn" all',
      'anchor "com.apple/*" all',
      'pass out quick on utun3 all flags S/SA keep state',
    ];
    expect(earlierRules(`${rules.join('\n')}\n`, 'com.apple/*')).toEqual([
      'pass out quick all flags S/SA keep state',
      'pass quick on en0 all flags S/SA keep state',
      'block return out quick all',
      'block drop quick all',
      'anchor "vpn" all',
    ]);
  });

  it('has none where ours is not called: that is another matter', () => {
    expect(earlierRules('pass out quick all\n', 'com.apple/*')).toEqual([]);
  });
});

describe('anchorsBefore and mayDecide', () => {
  it('find those that come before ours by name, and whether they take what is ours', () => {
    const listing =
      '  com.apple/250.ApplicationFirewall\n  com.apple/200.AirDrop\n  com.apple/tshuttle-501-12300\n  com.apple/vpn\n  other\n';
    expect(anchorsBefore(listing, 'com.apple/tshuttle-501-12300')).toEqual([
      'com.apple/200.AirDrop',
      'com.apple/250.ApplicationFirewall',
    ]);
    expect(mayDecide('pass in quick on en0 all\npass out on en0 all\nrdr on en0 all -> 127.0.0.1\n')).toBe(
      false,
    );
    expect(mayDecide('block drop out quick all\n')).toBe(true);
    expect(mayDecide('rdr pass on lo0 inet proto tcp all -> 127.0.0.1 port 9\n')).toBe(true);
  });
});
