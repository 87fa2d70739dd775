import { describe, expect, test, vi } from 'vitest';
import type { SubnetRule } from '../../../src/config/parse/networks/subnet.ts';
import { parseSubnet } from '../../../src/config/parse/networks/subnet.ts';
import { resolveSubnets } from '../../../src/config/resolve-subnets.ts';
import { renderProblem } from '../../../src/core/problem.ts';
import { systemWords } from '../../../src/core/systems/system-words.ts';
import { parseCidr } from '../../../src/net/address/parse-cidr.ts';

const answers: Readonly<Record<string, readonly string[]>> = {
  'both.example': ['192.0.2.1', '2001:db8::1'],
  'six.example': ['2001:db8::2'],
  'mixed.example': ['192.0.2.9', 'fe80::1%eth0'],
};

async function lookUp(name: string): Promise<readonly string[]> {
  const addresses = answers[name];
  if (addresses === undefined)
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
  return addresses;
}

function rules(...texts: readonly string[]): SubnetRule[] {
  return texts.map((text) => {
    const exclude = text.startsWith('!');
    const subnet = parseSubnet(exclude ? text.slice(1) : text);
    if (subnet.kind === 'invalid') throw new Error(`${text} ${subnet.what}`);
    return { action: exclude ? 'exclude' : 'include', subnet, where: text };
  });
}

async function resolve(texts: readonly string[], ipv6 = true) {
  const resolved = await resolveSubnets({ subnets: rules(...texts), ipv6 }, lookUp);
  return { rules: resolved.rules, warnings: resolved.warnings.map(renderProblem) };
}

describe('resolveSubnets', () => {
  test('a name stands for all its addresses, with its ports', async () => {
    const ports = { first: 443, last: 443 };
    expect(await resolve(['both.example:443'])).toEqual({
      rules: [
        { action: 'include', cidr: parseCidr('192.0.2.1'), ports },
        { action: 'include', cidr: parseCidr('2001:db8::1'), ports },
      ],
      warnings: [],
    });
  });

  test('a prefix length after a name is of the networks around its IPv4 addresses', async () => {
    const resolved = await resolve(['both.example/24']);
    expect(resolved.rules.map(({ action, cidr }) => ({ action, cidr }))).toEqual([
      { action: 'include', cidr: parseCidr('192.0.2.0/24') },
      { action: 'include', cidr: parseCidr('2001:db8::1') },
    ]);
  });

  test('a name to capture that does not resolve is a warning that says the name once', async () => {
    const named = rules('10.0.0.0/8', 'no.example', 'no.example:443');
    const inFile = { ...named[1]!, where: 'nets.txt:3' };
    const resolved = await resolveSubnets({ subnets: [...named, inFile], ipv6: true }, lookUp);
    expect(resolved.rules).toHaveLength(1);
    expect(resolved.warnings.map(renderProblem)).toEqual([
      'no.example: is not captured: the name does not resolve',
      'no.example:443: is not captured: the name does not resolve',
      'nets.txt:3: no.example is not captured: the name does not resolve',
    ]);
  });

  test('a name that must not be captured and does not resolve is a failure', async () => {
    const [network, exclude] = rules('0/0', '!none.example');
    const subnets = [
      network!,
      { ...exclude!, where: '-x none.example' },
      { ...exclude!, where: 'never.txt:7' },
    ];
    await expect(resolveSubnets({ subnets, ipv6: true }, lookUp)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message:
        '-x none.example: cannot be excluded: the name does not resolve, so it would be captured; ' +
        'never.txt:7: none.example cannot be excluded: the name does not resolve, so it would be captured',
      remedy: `check the names with: ${systemWords().lookUpName}; or exclude addresses in their place`,
    });
  });

  test('with nothing but IPv6 and --disable-ipv6, the remedy is not about names', async () => {
    await expect(resolve(['fd77::/64'], false)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: 'nothing is left to capture; fd77::/64: is IPv6 and left out because of --disable-ipv6',
      remedy: 'leave out --disable-ipv6, or add an IPv4 network',
    });
  });

  test('IPv6 is left out, audibly, when it is disabled', async () => {
    const { rules, warnings } = await resolve(['both.example', '2001:db8::/32', 'six.example'], false);
    expect(rules.map(({ cidr }) => cidr.family)).toEqual([4]);
    expect(warnings).toEqual([
      '2001:db8::/32: is IPv6 and left out because of --disable-ipv6',
      'six.example: has only IPv6 addresses, left out because of --disable-ipv6',
    ]);
  });

  test('an address with a zone is left out', async () => {
    expect((await resolve(['mixed.example'])).rules).toHaveLength(1);
  });

  test('an exclude alone is nothing to capture', async () => {
    await expect(resolve(['no.example', '!10.0.0.0/8'])).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: 'nothing is left to capture; no.example: is not captured: the name does not resolve',
      remedy: `check the names with: ${systemWords().lookUpName}`,
    });
  });

  test('the same name is looked up once, and never more than four at a time', async () => {
    let running = 0;
    let most = 0;
    const asked: string[] = [];
    const slow = async (name: string): Promise<readonly string[]> => {
      asked.push(name);
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      return ['192.0.2.1'];
    };
    const names = Array.from({ length: 30 }, (_, index) => `h${index % 15}.example`);
    await resolveSubnets({ subnets: rules(...names), ipv6: true }, slow);
    expect(asked).toHaveLength(15);
    expect(most).toBe(4);
  });

  test('a resolver that never answers is given up', async () => {
    vi.useFakeTimers();
    try {
      const never = (): Promise<readonly string[]> => new Promise(() => {});
      const resolved = resolveSubnets({ subnets: rules('10.0.0.0/8', 'slow.example'), ipv6: true }, never);
      await vi.advanceTimersByTimeAsync(12_000);
      expect((await resolved).warnings.map(renderProblem)).toEqual([
        'slow.example: is not captured: no answer from the resolver within 12 s',
      ]);
    } finally {
      vi.useRealTimers();
    }
  });
});
