import { describe, expect, it } from 'vitest';
import type { SubnetRule } from '../../../src/config/parse/networks/subnet.ts';
import { parseSubnet } from '../../../src/config/parse/networks/subnet.ts';
import { resolveSubnets } from '../../../src/config/resolve-subnets.ts';
import { effectsOf } from '../../../src/config/subnet-effects.ts';
import { renderProblem } from '../../../src/core/problem.ts';
import { formatCaptureRule } from '../../../src/net/address/capture-rule.ts';
import { rule } from '../intercept/rules/rule.ts';

function written(texts: readonly string[]) {
  return texts.map((where) => {
    const isExclude = where.startsWith('-x ');
    return { ...rule(where.replace('-x ', ''), isExclude ? 'exclude' : 'include'), where };
  });
}

function warningsOf(texts: readonly string[], way: 'redirected' | 'proxied' = 'redirected', ipv6 = true) {
  return effectsOf(written(texts), { way, ipv6 }).warnings.map(renderProblem);
}

describe('what is never captured', () => {
  it.each([
    ['169.254.0.0/16', 'link-local'],
    ['169.254.169.254:80', 'link-local'],
    ['fe80::/10', 'link-local'],
    ['224.0.0.0/4', 'multicast'],
    ['239.1.1.1', 'multicast'],
    ['ff02::/16', 'multicast'],
    ['127.0.0.0/8', 'this machine itself'],
    ['::1', 'this machine itself'],
    ['255.255.255.255', 'broadcast'],
  ])('%s', (text, what) => {
    expect(warningsOf([text, '10.0.0.0/8'])).toEqual([
      `${text}: is never captured, it is ${what}: connections there go direct`,
    ]);
    expect(warningsOf([text, '10.0.0.0/8'], 'proxied')).toEqual([]);
  });

  it('says what is written for every address, where 0.0.0.0 may mean that', () => {
    expect(warningsOf(['0.0.0.0', '::', 'fd00::/8'])).toEqual([
      '0.0.0.0: is never captured, it is this machine itself: connections there go direct; every IPv4 address is 0/0',
      '::: is never captured, it is this machine itself: connections there go direct; every IPv6 address is ::/0',
    ]);
  });

  it.each(['168.0.0.0/5', '0.0.0.0/8', '240.0.0.0/4', 'fe00::/7', '::/96', '2000::/3'])(
    '%s is, at least in part',
    (text) => {
      expect(warningsOf([text])).toEqual([]);
    },
  );
});

describe('an include of which nothing is left', () => {
  it.each([
    [['10.0.0.0/24', '-x 10.0.0.0/24']],
    [['10.0.0.0/24', '-x 10.0.0.0/25', '-x 10.0.0.128/25']],
    [['10.0.0.0/24:80-81', '-x 10.0.0.0/24:80', '-x 10.0.0.0/24:81']],
    [['10.0.0.0/24:443', '-x 10.0.0.0/8:443', '-x 10.0.0.0/24:443']],
  ])('%j', (texts) => {
    expect(warningsOf(texts)).toEqual([
      `${texts[0]}: is not captured: all of it is excluded, and goes direct`,
    ]);
  });

  it.each([
    // The longer prefix decides, and then the fewer ports.
    [['10.0.0.0/24', '-x 10.0.0.0/8']],
    [['10.0.0.0/24', '-x 10.0.0.0/25', '-x 10.0.0.129/32']],
    [['10.0.0.0/24', '-x 10.0.0.0/24:443']],
    [['10.0.0.0/8', '-x 192.168.0.0/16']],
  ])('not %j', (texts) => {
    expect(warningsOf(texts)).toEqual([]);
  });
});

describe('an exclude beside an include with a port', () => {
  it('has no effect, and is told as it would have one', () => {
    expect(warningsOf(['10.0.0.0/8:443', '-x 10.1.0.0/16'])).toEqual([
      '-x 10.1.0.0/16: has no effect: 10.0.0.0/8:443 has fewer ports, so it decides and captures; write -x 10.1.0.0/16:443',
    ]);
    expect(warningsOf(['10.0.0.0/8:80-90', '-x 10.1.0.0/16:85-65535'])).toEqual([
      '-x 10.1.0.0/16:85-65535: has no effect: 10.0.0.0/8:80-90 has fewer ports, so it decides and captures; write -x 10.1.0.0/16:85-90',
    ]);
  });

  it('holds for the other ports, where another include has those', () => {
    expect(warningsOf(['10.0.0.0/8', '10.0.0.0/8:443', '-x 10.1.0.0/16'])).toEqual([
      '-x 10.1.0.0/16: does not hold for port 443: 10.0.0.0/8:443 has fewer ports, so it decides and captures; write -x 10.1.0.0/16:443',
    ]);
  });

  it('is meant so, where the include is in what is excluded', () => {
    expect(warningsOf(['10.0.0.0/8', '10.1.2.3:443', '-x 10.1.0.0/16'])).toEqual([]);
    expect(warningsOf(['10.0.0.0/8:443', '-x 10.1.0.0/16:443'])).toEqual([]);
    expect(warningsOf(['10.0.0.0/8:443', '-x 10.1.0.0/16:80-90'])).toEqual([]);
  });
});

describe('every address of one family', () => {
  it('leaves the other one direct', () => {
    expect(warningsOf(['0/0', '-x 192.168.0.0/16'])).toEqual([
      '0/0: captures IPv4 alone: connections by IPv6 go direct; add ::/0, or say that it is meant with --disable-ipv6',
    ]);
    expect(warningsOf(['0/0:443'])).toHaveLength(1);
    expect(warningsOf(['::/0'])).toEqual([
      '::/0: captures IPv6 alone: connections by IPv4 go direct; add 0/0',
    ]);
    expect(warningsOf(['0/0', '::/0'])).toEqual([]);
    expect(warningsOf(['0/0'], 'redirected', false)).toEqual([]);
  });
});

describe('many rules', () => {
  it('are compared within a bound', () => {
    const many = Array.from({ length: 4_000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`);
    expect(warningsOf([...many, ...many.map((text) => `-x ${text}`)])).toEqual([]);
  });
});

describe('resolveSubnets', () => {
  const subnets = (...texts: readonly string[]): SubnetRule[] =>
    written(texts).map(({ action, where }) => {
      const subnet = parseSubnet(where.replace('-x ', ''));
      if (subnet.kind === 'invalid') throw new Error(subnet.what);
      return { action, subnet, where };
    });
  const noNames = async (): Promise<never> => {
    throw new Error('no names');
  };

  it('leaves out what has no effect, and says so', async () => {
    const config = {
      subnets: subnets('10.0.0.0/8', '169.254.0.0/16', '10.9.0.0/16:80', '-x 10.9.0.0/16:80'),
      ipv6: true,
    };
    const { rules, warnings, effective } = await resolveSubnets(config, noNames);
    expect(rules.map(formatCaptureRule)).toEqual(['10.0.0.0/8', '10.9.0.0/16:80']);
    expect(rules.map(({ action }) => action)).toEqual(['include', 'exclude']);
    expect(effective.map(({ where }) => where)).toEqual(['10.0.0.0/8', '-x 10.9.0.0/16:80']);
    expect(warnings).toHaveLength(2);
  });

  it('fails where nothing would be captured', async () => {
    const config = { subnets: subnets('10.0.0.0/24', '-x 10.0.0.0/24'), ipv6: true };
    await expect(resolveSubnets(config, noNames)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message:
        'nothing is left to capture; 10.0.0.0/24: is not captured: all of it is excluded, and goes direct',
      remedy: 'add a network that can be captured, as in 10.0.0.0/24',
    });
  });
});
