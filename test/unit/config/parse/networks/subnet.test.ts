import { describe, expect, test } from 'vitest';
import { parseSubnet } from '../../../../../src/config/parse/networks/subnet.ts';
import { parseCidr } from '../../../../../src/net/address/parse-cidr.ts';
import { parsePortRange } from '../../../../../src/net/address/port-range.ts';

describe('parseSubnet accepts', () => {
  test.each([
    ['10.0.0.0/24', '10.0.0.0/24', '1-65535'],
    ['10.1.2.3', '10.1.2.3', '1-65535'],
    ['10.1.2.3/8', '10.0.0.0/8', '1-65535'],
    ['0/0', '0.0.0.0/0', '1-65535'],
    ['0.0.0.0/0', '0.0.0.0/0', '1-65535'],
    ['0/0:443', '0.0.0.0/0', '443'],
    ['10.0.0.0/8:443', '10.0.0.0/8', '443'],
    ['10.0.0.0/8:8000-9000', '10.0.0.0/8', '8000-9000'],
    ['1.2.3.4:1-65535', '1.2.3.4', '1-65535'],
    ['::/0', '::/0', '1-65535'],
    ['::1', '::1', '1-65535'],
    ['2001:db8::/32', '2001:db8::/32', '1-65535'],
    ['2001:DB8::1/32', '2001:db8::/32', '1-65535'],
    ['[2001:db8::/32]', '2001:db8::/32', '1-65535'],
    ['[2001:db8::/32]:443', '2001:db8::/32', '443'],
    ['[2001:db8::1]:8000-9000', '2001:db8::1', '8000-9000'],
  ])('the network %s', (text, cidr, ports) => {
    const expected = { kind: 'network', cidr: parseCidr(cidr), ports: parsePortRange(ports) };
    expect(parseSubnet(text)).toEqual(expected);
  });

  test.each([
    ['host.example.com', 'host.example.com', '1-65535'],
    ['host.example.com.', 'host.example.com.', '1-65535'],
    ['host.example.com:443', 'host.example.com', '443'],
    ['host:8000-9000', 'host', '8000-9000'],
    ['_sip.example.com', '_sip.example.com', '1-65535'],
    ['4example.com', '4example.com', '1-65535'],
  ])('the name %s', (text, name, ports) => {
    expect(parseSubnet(text)).toEqual({ kind: 'name', name, prefixLength: 32, ports: parsePortRange(ports) });
  });
});

describe('parseSubnet refuses, and says what to write', () => {
  test.each([
    ['', 'is empty; write a network, an address or a name'],
    ['10.0.0.0/33', 'has the prefix length 33, but IPv4 has at most 32'],
    ['10.0.0.0-24', 'has - before its prefix length; write 10.0.0.0/24'],
    ['10.0.0.0\\24', 'has \\ before its prefix length; write 10.0.0.0/24'],
    ['10.0.0.0_8:443', 'has _ before its prefix length; write 10.0.0.0/8'],
    ['10.0.0.1-10.0.0.9', 'is a range up to 10.0.0.9; write the networks in it, as in 10.0.0.0/24'],
    ['10.0.0.1-99', 'is a range up to 99; write the networks in it, as in 10.0.0.0/24'],
    ['10.0.0.*', 'leaves parts open; write 10.0.0.0/24'],
    ['10.1.x.x:443', 'leaves parts open; write 10.1.0.0/16'],
    ['10.0.0.8/443', 'has the prefix length 443, but IPv4 has at most 32; for a port write 10.0.0.8:443'],
    [
      'db.example.com/5432',
      'has the prefix length 5432, but IPv4 has at most 32; for a port write db.example.com:5432',
    ],
    ['me@bastion', 'is neither a network nor a name; for a bastion put -r before it'],
    ['10.0.0.0/', 'has no prefix length after the slash; write 0 to 32'],
    ['10.0.0.0/x', 'has the prefix length x, which is not a number from 0 to 32'],
    ['10.0.0.0/255.255.255.0', 'has a netmask; write 10.0.0.0/24'],
    ['10.0.0.0/255.0.255.0', 'has the prefix length 255.0.255.0, which is not a number from 0 to 32'],
    ['10.0.0.0/8/8', 'has two slashes; write it as in 10.0.0.0/24'],
    ['10.0.0.256', 'has 256 in its address, but no part is more than 255'],
    ['10.0.0.256/24', 'has 256 in its address, but no part is more than 255'],
    ['10.0.0/24', 'has 3 of the 4 numbers of an IPv4 address; perhaps 10.0.0.0/24'],
    ['10/8', 'has 1 of the 4 numbers of an IPv4 address; perhaps 10.0.0.0/8'],
    ['10.1', 'has 2 of the 4 numbers of an IPv4 address; perhaps 10.1.0.0/16'],
    ['1.2.3.4.5', 'is not an IPv4 network; write it as in 10.0.0.0/24'],
    ['010.0.0.1', 'has 010 in its address; leave out the leading zero'],
    ['10.0.0.0/8:0', '0 is no port; write one from 1 to 65535'],
    ['10.0.0.0/8:70000', '70000 is no port; write one from 1 to 65535'],
    ['10.0.0.0/8:1-70000', '70000 is no port; write one from 1 to 65535'],
    ['10.0.0.0/8:9000-8000', 'has a port range that runs backwards; write 8000-9000'],
    ['10.0.0.0/8:', 'has no port after the colon'],
    ['10.0.0.0/8:https', 'has a port that is no number; write it as in 443, or a range as in 8000-9000'],
    ['10.0.0.0/8:000443', 'has the port 000443, which has too many digits'],
    ['10.0.0.0:443/8', 'has its prefix length after the port; write 10.0.0.0/8:443'],
    [':443', 'has no address before the colon; for every address write 0/0:443'],
    ['2001:db8::/129', 'has the prefix length 129, but IPv6 has at most 128'],
    ['2001:db8::/32:443', 'needs brackets around the IPv6 network; write [2001:db8::/32]:443'],
    ['[2001:db8::]/32:443', 'has its prefix length outside the brackets; write [2001:db8::/32]:443'],
    ['[2001:db8::/32', 'has no closing bracket; write it as in [2001:db8::/32]:443'],
    ['[2001:db8::/32]443', 'has something other than :PORT after the bracket'],
    ['[2001:db8::/32]:0', '0 is no port; write one from 1 to 65535'],
    ['[10.0.0.0/8]:443', 'has brackets, which are for IPv6 only; write 10.0.0.0/8:443'],
    [
      '2001:db8:::1',
      'is not an IPv6 network; write it as in 2001:db8::/32, with a port as in [2001:db8::/32]:443',
    ],
    ['fe80::1%eth0', 'has a zone (%), and link-local addresses are never captured'],
    ['https://example.com/', 'is a URL; write only its host and port, as in example.com:443'],
    ['10.0.0.0/8,10.1.0.0/16', 'has a comma in it; separate subnets with blanks'],
    ['10.0.0.0/8 10.1.0.0/16', 'has a blank in it; give one subnet at a time'],
    ['example.com/33', 'has the prefix length 33, but IPv4 has at most 32'],
    ['example.com/', 'has no prefix length after the slash; write 0 to 32'],
    ['example.com/a', 'has the prefix length a, which is not a number from 0 to 32'],
    ['example.com/24/3', 'is neither a network nor a name'],
    ['*.example.com', 'is a pattern; only whole names can be captured'],
    ['-x.example.com', 'is neither a network nor a name'],
    ['ex ample', 'has a blank in it; give one subnet at a time'],
    ['a..b', 'is neither a network nor a name'],
    [`${'a'.repeat(64)}.example.com`, 'is neither a network nor a name'],
  ])('%s', (text, what) => {
    expect(parseSubnet(text)).toEqual({ kind: 'invalid', what });
  });
});
