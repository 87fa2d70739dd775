import { describe, expect, test } from 'vitest';
import { parseBastionRoutes } from '../../../../src/app/bastion-networks/bastion-routes.ts';
import { formatCidr } from '../../../../src/net/address/cidr.ts';

const said = (how: string, listing: string): string => `tshuttle-routes\n${how}\n${listing}\ntshuttle-end\n`;

function networksIn(output: string): readonly string[] | string {
  const routes = parseBastionRoutes(output);
  return routes.kind === 'networks' ? routes.networks.map(formatCidr) : routes.why;
}

describe('the routes that a bastion tells', () => {
  test('ip of iproute2 6.1, on Debian 12', () => {
    const listing = `default via 192.0.2.1 dev eth0 proto dhcp src 192.0.2.2 metric 100 
10.0.0.0/8 via 192.0.2.9 dev eth0 proto static 
10.20.0.0/16 proto static metric 20 
\tnexthop via 192.0.2.7 dev eth0 weight 1 
\tnexthop via 192.0.2.8 dev eth0 weight 1 
10.64.64.64 dev ppp0 proto kernel scope link src 10.1.2.3 
172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown 
172.18.0.0/16 dev eth3 proto static dead linkdown 
unreachable 10.66.0.0/16 
blackhole 10.67.0.0/16 
prohibit 10.68.0.0/16 
throw 10.69.0.0/16 
broadcast 192.0.2.255 dev eth0 table local proto kernel scope link src 192.0.2.2 
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.2 
10.0.0.0/8 via 192.0.2.10 dev eth0 proto static metric 50 
fd00::/64 dev eth0 proto kernel metric 256 pref medium
fd00:5::/48 via fd00::9 dev eth0 metric 1024 pref medium
::1 dev lo proto kernel metric 256 pref medium
fe80::/64 dev eth0 proto kernel metric 256 pref medium
unreachable fd99::/16 dev lo metric 1024 error -113 pref medium
default via fd00::1 dev eth0 metric 1024 pref medium`;
    expect(networksIn(said('ip', listing))).toEqual([
      '10.0.0.0/8',
      '10.20.0.0/16',
      '10.64.64.64',
      '192.0.2.0/24',
      'fd00::/64',
      'fd00:5::/48',
      'fe80::/64',
    ]);
  });

  test('ip of busybox 1.36, on Alpine', () => {
    const listing = `default via 172.17.0.1 dev eth0 
10.9.0.0/16 via 172.17.0.5 dev eth0 
172.17.0.0/16 dev eth0 scope link  src 172.17.0.2 
fd01::/64 dev eth0  metric 256 
ff00::/8 dev eth0  metric 256 `;
    expect(networksIn(said('ip', listing))).toEqual([
      '10.9.0.0/16',
      '172.17.0.0/16',
      'fd01::/64',
      'ff00::/8',
    ]);
  });

  test('netstat of net-tools 2.10, on Debian 12', () => {
    const listing = `Kernel IP routing table
Destination     Gateway         Genmask         Flags   MSS Window  irtt Iface
0.0.0.0         192.0.2.1       0.0.0.0         UG        0 0          0 eth0
10.0.0.0        192.0.2.9       255.0.0.0       UG        0 0          0 eth0
10.64.64.64     0.0.0.0         255.255.255.255 UH        0 0          0 ppp0
10.66.0.0       -               255.255.0.0     !         - -          - -
192.0.2.0       0.0.0.0         255.255.255.0   U         0 0          0 eth0
Kernel IPv6 routing table
Destination                    Next Hop                   Flag Met Ref  Use If
fd00::/64                      ::                         U    256 1      0 eth0
fd00:5::/48                    fd00::9                    UG   1024 1      0 eth0
::/0                           fd00::1                    UG   1024 3      0 eth0
::1/128                        ::                         Un   0   4      0 lo
fd00::2/128                    ::                         Un   0   4      0 eth0
ff00::/8                       ::                         U    256 3      0 eth0
[::]/0                         ::                         !n   -1  1      0 lo`;
    expect(networksIn(said('netstat', listing))).toEqual([
      '10.0.0.0/8',
      '10.64.64.64',
      '192.0.2.0/24',
      'fd00::/64',
      'fd00:5::/48',
      'ff00::/8',
    ]);
  });

  test('netstat of FreeBSD 14', () => {
    const listing = `Routing tables

Internet:
Destination        Gateway            Flags         Netif Expire
default            10.0.2.2           UGS          vtnet0
10.0.2.0/24        link#1             U            vtnet0
10.0.2.15          link#2             UHS             lo0
10.7.0.0/16        10.0.2.9           UGS          vtnet0
10.66.0.0/16       127.0.0.1          UGSR            lo0
10.67.0.0/16       10.0.2.9           UGSB         vtnet0
127.0.0.1          link#2             UH              lo0

Internet6:
Destination                       Gateway                       Flags         Netif Expire
::/96                             link#2                        URS             lo0
::1                               link#2                        UHS             lo0
2001:db8:5::/48                   fe80::2%vtnet0                UGS          vtnet0
fe80::%vtnet0/64                  link#1                        U            vtnet0
ff02::/16                         link#2                        URS             lo0`;
    expect(networksIn(said('netstat', listing))).toEqual(['10.0.2.0/24', '10.7.0.0/16', '2001:db8:5::/48']);
  });

  test('netstat of OpenBSD 7 and macOS 14, which leave zeros out', () => {
    const listing = `Destination        Gateway            Flags   Refs      Use   Mtu  Prio Iface
10.1/16            192.168.1.9        UGS        0        0     -     8 vio0 
224/4              127.0.0.1          URS        0        0 32768     8 lo0  
Destination        Gateway            Flags               Netif Expire
default            192.168.1.1        UGScg                 en0
10                 192.168.1.9        UGSc                  en0
127                127.0.0.1          UCS                   lo0
169.254            link#6             UCS                   en0      !
192.168.1          link#6             UCS                   en0      !
192.168.1.1/32     link#6             UCS                   en0      !
192.168.1.1        a4:b1:c1:0:0:1     UHLWIir               en0   1183
224.0.0/4          link#6             UmCS                  en0      !
255.255.255.255    ff:ff:ff:ff:ff:ff  UHLWbI                en0      !`;
    expect(networksIn(said('netstat', listing))).toEqual([
      '10.1.0.0/16',
      '10.0.0.0/8',
      '169.254.0.0/16',
      '192.168.1.0/24',
      '192.168.1.1',
    ]);
  });

  test('what the shell says before is skipped', () => {
    expect(networksIn(`Welcome!\n${said('ip', '10.0.0.0/8 dev eth0')}`)).toEqual(['10.0.0.0/8']);
    expect(networksIn(said('ip', '10.0.0.0/8 dev eth0').replaceAll('\n', '\r\n'))).toEqual(['10.0.0.0/8']);
  });

  test.each([
    '10.0.0.0/33 dev eth0',
    '10.0.0/8 dev eth0',
    '10.0.0.0/8/8 dev eth0',
    '300.0.0.0/8 dev eth0',
    'fe80::1%eth0/64 dev eth0',
    'example.com dev eth0',
    '0x0a000000/8 dev eth0',
    '0.0.0.0/0 dev eth0',
    '::/0 dev eth0',
    ' 10.0.0.0/8 dev eth0',
    '',
  ])('no route of ip: %j', (line) => {
    expect(networksIn(said('ip', line))).toEqual([]);
  });

  test.each([
    '10.0.0.0 192.0.2.1 255.0.255.0 UG 0 0 0 eth0',
    '10.0.0.0 192.0.2.1 255.0.0.0.0 UG 0 0 0 eth0',
    '10.0.0.0 192.0.2.1 255.0.0.0 G 0 0 0 eth0',
    '0.0.0.0 192.0.2.1 0.0.0.0 UG 0 0 0 eth0',
    '10.0.0.0.0/8 192.0.2.1 UGS vtnet0',
    '10/99 192.0.2.1 UGS vtnet0',
    '300/8 192.0.2.1 UGS vtnet0',
    '0/0 192.0.2.1 UGS vtnet0',
  ])('no route of netstat: %j', (line) => {
    expect(networksIn(said('netstat', line))).toEqual([]);
  });

  test.each([
    ['', /said nothing: another one runs in its place, as with ForceCommand/],
    [
      'This account is for forwarding only.\n',
      /in its place, .*it says: This account is for forwarding only/,
    ],
    ['tshuttle-routes\nip\n10.0.0.0/8 dev eth0\n', /ended before its end/],
    [said('none', ''), /neither ip nor netstat/],
    [said('10.0.0.0/8 dev eth0', ''), /neither ip nor netstat/],
  ])('%j: why there are none', (output, why) => {
    expect(networksIn(output)).toMatch(why);
  });
});
