import { describe, expect, test } from 'vitest';
import { formatCidr } from '../../../../src/net/address/cidr.ts';
import { parseCidr } from '../../../../src/net/address/parse-cidr.ts';

describe('parseCidr', () => {
  test.each([
    ['10.0.0.0/24', '10.0.0.0/24'],
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.3/32', '10.1.2.3'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['0/0', '0.0.0.0/0'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::/0', '::/0'],
    ['::1', '::1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['2001:db8:ffff::/32', '2001:db8::/32'],
    ['fd00::/8', 'fd00::/8'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::ffff:a00:0/104', '10.0.0.0/8'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
    ['::ffff:0:0/95', '::fffe:0:0/95'],
    ['::ffff:0:a01:203', '::ffff:0:a01:203'],
    ['::FFFF:10.1.2.3/120', '10.1.2.0/24'],
    ['::10.1.2.3', '::a01:203'],
    ['2001:db8::192.0.2.1/96', '2001:db8::/96'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ])('%s is %s', (text, canonical) => {
    const cidr = parseCidr(text);
    expect(cidr && formatCidr(cidr)).toBe(canonical);
  });

  test.each([
    '',
    '10',
    '10/8',
    '10.0.0/24',
    '10.0.0.256',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/008x',
    '010.0.0.1',
    '10.0.0.08',
    '0x0a.0.0.1',
    '167772161',
    '10.0.0.1%eth0',
    '10.0.0.1\n',
    ':::',
    '1::2::3',
    '::ffff:10.0.0.1%eth0',
    '::ffff:010.0.0.1',
    '::1%lo/64',
    '[::1]',
    '2001:db8::/64%eth0',
    '::/129',
    'fe80::1%eth0',
    'example.com',
    ' 10.0.0.0/8',
  ])('%j is none', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  test('spans from the first to the last address', () => {
    expect(parseCidr('10.0.0.0/30')).toMatchObject({ first: 0x0a000000n, last: 0x0a000003n });
    expect(parseCidr('::/0')).toMatchObject({ first: 0n, last: 2n ** 128n - 1n });
  });
});
