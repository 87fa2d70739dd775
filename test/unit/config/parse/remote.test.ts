import { describe, expect, test } from 'vitest';
import { parseRemote, withoutPassword } from '../../../../src/config/parse/remote.ts';

function remote(host: string, port?: number, user?: string, password?: string): unknown {
  return { user, password, host, port };
}

describe('parseRemote', () => {
  test.each([
    ['bastion', remote('bastion')],
    ['me@bastion', remote('bastion', undefined, 'me')],
    ['me@bastion:2222', remote('bastion', 2222, 'me')],
    ['me:secret@bastion:2222', remote('bastion', 2222, 'me', 'secret')],
    ['me:p@ss:w@bastion', remote('bastion', undefined, 'me', 'p@ss:w')],
    ['me@corp.example@bastion', remote('bastion', undefined, 'me@corp.example')],
    ['CORP\\me@bastion', remote('bastion', undefined, 'CORP\\me')],
    ['192.0.2.1:22', remote('192.0.2.1', 22)],
    ['2001:db8::1', remote('2001:db8::1')],
    ['me@2001:db8::1', remote('2001:db8::1', undefined, 'me')],
    ['[2001:db8::1]:2222', remote('2001:db8::1', 2222)],
    ['me@[2001:db8::1]', remote('2001:db8::1', undefined, 'me')],
    ['fe80::1%eth0', remote('fe80::1%eth0')],
    ['me@fe80::1%Eth0', remote('fe80::1%Eth0', undefined, 'me')],
    ['[fe80::1%eth0]:2222', remote('fe80::1%eth0', 2222)],
    ['[fe80::1%eth0.100]', remote('fe80::1%eth0.100')],
    ['fe80::1%br_lan', remote('fe80::1%br_lan')],
    ['Some Body@bastion', remote('bastion', undefined, 'Some Body')],
    ['my_alias', remote('my_alias')],
    ['me:@bastion', remote('bastion', undefined, 'me')],
    ['ssh://me@bastion:2222', remote('bastion', 2222, 'me')],
    ['SSH://[2001:db8::1]/', remote('2001:db8::1')],
  ])('%s', (text, expected) => {
    expect(parseRemote(text)).toEqual(expected);
  });

  test.each([
    ['', 'has no host; write it as in user@bastion.example.com'],
    ['me@', 'has no host; write it as in user@bastion.example.com'],
    ['@bastion', 'has no user before the @; write user@host, or host alone'],
    [':22', 'has no host before the colon'],
    ['bastion:', 'has no port after the colon'],
    ['bastion:0', '0 is no port; write one from 1 to 65535'],
    ['bastion:70000', '70000 is no port; write one from 1 to 65535'],
    ['bastion:22-23', 'has the ports 22-23, but takes a single one'],
    ['bastion:22-22', 'has the ports 22-22, but takes a single one'],
    ['bastion:ssh', 'has a port that is no number; write it as in 443, or a range as in 8000-9000'],
    ['2001:db8:::1', 'is not an IPv6 address; with a port write it as in [2001:db8::1]:22'],
    ['fe80::1%', 'is not an IPv6 address; with a port write it as in [2001:db8::1]:22'],
    ['fe80::1%$(id)', 'is not an IPv6 address; with a port write it as in [2001:db8::1]:22'],
    ['[fe80::1%a b]:22', 'has fe80::1%a b in brackets, which are for IPv6 addresses'],
    ['Some -oProxyCommand=id@bastion', 'has a user that ssh does not allow'],
    ['[bastion]:22', 'has bastion in brackets, which are for IPv6 addresses'],
    ['https://me@bastion', 'is a URL; write [user@]host[:port], or ssh://[user@]host[:port]'],
    ['ssh://me@bastion/home', 'is a URL; write [user@]host[:port], or ssh://[user@]host[:port]'],
    ['-oProxyCommand=id', 'has a host that ssh does not allow'],
    ['ba stion', 'has a host that ssh does not allow'],
    ['$(id)', 'has a host that ssh does not allow'],
    ['-l@bastion', 'has a user that ssh does not allow'],
    ['me;id@bastion', 'has a user that ssh does not allow'],
  ])('refuses %j', (text, what) => {
    expect(parseRemote(text)).toEqual({ kind: 'invalid', what });
  });
});

test.each([
  ['bastion:22', 'bastion:22'],
  ['me@bastion:22', 'me@bastion:22'],
  ['me:secret@bastion:22', 'me:***@bastion:22'],
  ['me:p@ss:w@bastion', 'me:***@bastion'],
  ['me@corp:secret@bastion', 'me@corp:***@bastion'],
])('withoutPassword(%s)', (text, shown) => {
  expect(withoutPassword(text)).toBe(shown);
});
