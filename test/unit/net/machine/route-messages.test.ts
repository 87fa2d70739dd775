import { expect, test } from 'vitest';
import { RouteMessages } from '../../../../src/net/machine/route-messages.ts';

/** As route(8) of macOS and FreeBSD prints them (native-notes/network-changes.md). */
const told = (...lines: readonly string[]): readonly boolean[] => {
  const messages = new RouteMessages();
  return lines.map((line) => messages.read(line));
};

test.each([
  'RTM_NEWADDR: address being added to iface: len 124, metric 0, flags:<UP,CLONING>',
  'RTM_DELADDR: address being removed from iface: len 124, metric 0, flags:<UP>',
  'RTM_ADD: Add Route: len 132, pid: 91, seq 1, errno 0, flags:<UP,GATEWAY,DONE,STATIC,PRCLONING>',
  'RTM_DELETE: Delete Route: len 132, pid: 0, seq 0, errno 0, flags:<GATEWAY,DONE,STATIC>',
  'RTM_CHANGE: Change Metrics, Flags or Gateway: len 200, pid: 1, seq 3, errno 0, flags:<UP,GATEWAY,DONE,STATIC>',
  'RTM_IFANNOUNCE: interface arrival/departure: len 24, if# 12, what: departure',
  'RTM_IFINFO: iface status change: len 112, if# 5, flags:<UP,BROADCAST,b6,RUNNING,SIMPLEX,MULTICAST>',
  'RTM_IFINFO: iface status change: len 168, if# 1, link: up, flags:<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST>',
])('a change: %s', (line) => {
  expect(told(line)).toEqual([true]);
});

test.each([
  '',
  'got message of size 112 on Tue May 12 12:19:43 2020',
  'sockaddrs: <DST,GATEWAY,NETMASK,IFP,IFA>',
  ' default 192.0.2.1 default en0 192.0.2.15',
  'RTM_GET: Report Metrics: len 128, pid: 78, seq 1, errno 0, flags:<UP,GATEWAY,DONE,STATIC,PRCLONING>',
  'RTM_MISS: Lookup failed on this address: len 92, pid: 0, seq 0, errno 0, flags:<DONE>',
  'RTM_LOSING: Kernel Suspects Partitioning: len 92, pid: 0, seq 0, errno 0, flags:<UP,HOST>',
  'RTM_NEWMADDR: new multicast group membership on iface: len 72, ',
  'RTM_DELMADDR: multicast group membership removed from iface: len 68, ',
  'RTM_ADD: Add Route: len 164, pid: 0, seq 0, errno 0, flags:<UP,HOST,DONE,LLINFO,WASCLONED,IFSCOPE,ROUTER>',
  'RTM_DELETE: Delete Route: len 164, pid: 0, seq 0, errno 0, flags:<HOST,DONE,LLINFO,CLONED>',
  'RTM_FUTURE: what nobody knows: len 4, flags:<UP>',
])('no change: %s', (line) => {
  expect(told(line)).toEqual([false]);
});

test('who captures packets changes nothing; an interface that goes down and up does', () => {
  const info = (flags: string, index = 5): string =>
    `RTM_IFINFO: iface status change: len 112, if# ${index}, flags:<${flags}>`;
  expect(
    told(
      info('UP,BROADCAST,b6,RUNNING,SIMPLEX,MULTICAST'),
      info('UP,BROADCAST,b6,RUNNING,PPROMISC,SIMPLEX,MULTICAST'),
      info('UP,BROADCAST,b6,RUNNING,SIMPLEX,MULTICAST'),
      info('UP,BROADCAST,b6,SIMPLEX,MULTICAST'),
      info('UP,BROADCAST,b6,RUNNING,SIMPLEX,MULTICAST', 6),
      info('UP,BROADCAST,b6,RUNNING,SIMPLEX,MULTICAST'),
    ),
  ).toEqual([true, false, false, true, true, true]);
});
