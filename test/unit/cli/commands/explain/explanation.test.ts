import { describe, expect, it } from 'vitest';
import {
  explainAddress,
  explainName,
  type Facts,
} from '../../../../../src/cli/commands/explain/explanation.ts';
import { parseDns } from '../../../../../src/config/dns.ts';
import type { RawOptions } from '../../../../../src/config/options/table.ts';
import { parseCidr } from '../../../../../src/net/address/parse-cidr.ts';
import { rule } from '../../../intercept/rules/rule.ts';

const FACTS: Facts = {
  rules: [
    { ...rule('10.0.0.0/8'), where: '10.0.0.0/8' },
    { ...rule('10.1.0.0/16', 'exclude'), where: '-x 10.1.0.0/16' },
    { ...rule('10.1.2.0/24:443'), where: 'networks.txt:3' },
    { ...rule('198.51.100.0/24'), where: '198.51.100.0/24' },
  ],
  exempt: [{ family: 4, address: '198.51.100.7', port: 22 }],
  isOwnAddress: (address) => address === '192.0.2.9',
  nameservers: ['192.0.2.53'],
  syntheticRanges: [parseCidr('198.18.0.0/15')!],
};

const explain = (address: string, port?: number) =>
  explainAddress({ family: address.includes(':') ? 6 : 4, address, port }, FACTS);

describe('explainAddress', () => {
  it.each([
    ['10.9.0.1', 80, '10.9.0.1:80: captured by 10.0.0.0/8'],
    ['10.1.0.1', 80, '10.1.0.1:80: not captured, excluded by -x 10.1.0.0/16'],
    ['10.1.2.3', 443, '10.1.2.3:443: captured by 10.1.2.0/24:443 (networks.txt:3)'],
    ['192.0.2.1', 80, '192.0.2.1:80: not captured, no SUBNET has it'],
    ['192.0.2.9', 80, '192.0.2.9:80: never captured, it is this machine itself'],
    ['169.254.169.254', 80, '169.254.169.254:80: never captured, it is link-local'],
    ['fe80::1', 80, '[fe80::1]:80: never captured, it is link-local'],
    ['239.1.1.1', 80, '239.1.1.1:80: never captured, it is multicast'],
    ['198.51.100.7', 22, '198.51.100.7:22: never captured, it leads to the bastion'],
    ['198.51.100.7', 80, '198.51.100.7:80: captured by 198.51.100.0/24'],
    ['192.0.2.53', 53, '192.0.2.53:53: its queries are captured and answered as --dns and --domain say'],
    ['fd00::1', 80, '[fd00::1]:80: not captured, no SUBNET has it'],
  ])('%s:%s', (address, port, line) => {
    expect(explain(address, port)).toEqual([line]);
  });

  it('has a line for each range of ports that is decided alike', () => {
    expect(explain('10.1.2.3')).toEqual([
      '10.1.2.3:1-442: not captured, excluded by -x 10.1.0.0/16',
      '10.1.2.3:443: captured by 10.1.2.0/24:443 (networks.txt:3)',
      '10.1.2.3:444-65535: not captured, excluded by -x 10.1.0.0/16',
    ]);
    expect(explain('10.9.0.1')).toEqual(['10.9.0.1: captured by 10.0.0.0/8']);
    expect(explain('198.51.100.7')).toEqual([
      '198.51.100.7: captured by 198.51.100.0/24',
      '198.51.100.7:22: never captured, it leads to the bastion',
    ]);
  });

  it('knows addresses that stand for names', () => {
    expect(explain('198.18.0.7', 80)[0]).toMatch(/^198\.18\.0\.7:80: captured, .* stands for a name/);
  });
});

describe('explainName', () => {
  const about = (name: string, raw: Partial<RawOptions>) => {
    const result = parseDns(raw);
    if (result.kind === 'invalid') throw new Error('not valid');
    return explainName(name, result.dns, ['bastion.internal.example']);
  };
  const zones = ['internal.example'];

  it('says who resolves it, and whether its addresses count', () => {
    expect(about('db.internal.example', {})).toMatchObject({ by: 'addresses' });
    expect(about('www.example.org', { zones })).toEqual({
      by: 'addresses',
      line: 'www.example.org: resolved by this machine, as ever: it is in no zone of --domain',
    });
    expect(about('bastion.internal.example', { zones }).line).toMatch(/as ever: it leads to the bastion$/);
    expect(about('db.internal.example', { zones })).toEqual({
      by: 'name',
      line: 'db.internal.example: --domain internal.example: an address of 198.18.0.0/15 stands for it, and the bastion connects to the name',
    });
    expect(about('db.internal.example', { zones, resolvers: '10.0.0.2' }).line).toContain(
      '10.0.0.2:53 answers; where',
    );
    expect(
      about('db.internal.example', { zones, resolvers: '10.0.0.2', resolve: 'bastion' }).line,
    ).not.toContain('10.0.0.2');
    expect(about('www.example.org', { everything: true }).line).toContain(
      "the bastion's own resolver answers",
    );
    expect(about('a.example', { hosts: ['a.example=10.0.0.8'] })).toMatchObject({ addresses: ['10.0.0.8'] });
  });
});
