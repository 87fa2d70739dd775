import { describe, expect, it } from 'vitest';
import { type Attempt, type Outcome, PfEvaluator, type PfNetwork } from '../../../../support/pf/evaluator.ts';
import { parseRuleset } from '../../../../support/pf/parse-ruleset.ts';

/*
 * The evaluator says what a FreeBSD 12.1 kernel did: each row was seen there (native-notes/pf.md).
 */

const NETWORK: PfNetwork = {
  interfaces: [
    {
      name: 'vtnet0',
      addresses: ['10.0.2.15', '2001:db8:1::15'],
      networks: ['0.0.0.0/0', '10.0.2.0/24', '2001:db8:1::/64', '::/0'],
    },
    { name: 'tap0', addresses: ['172.20.0.2'], networks: ['172.20.0.0/16'], isPointToPoint: true },
  ],
};

const ANCHOR = 'com.apple/tshuttle';
const CALLS = 'rdr-anchor "com.apple/*"\nanchor "com.apple/*"\n';

const MEASURED = `
table <tsh_1> { 10.0.0.0/8, 172.20.0.0/16, !10.10.0.0/16, !10.0.2.2 }
table <tsh_2> { 10.0.0.0/8, 172.20.0.0/16, !10.10.0.0/16, !10.0.2.2, !10.1.0.0/16 }
table <tsh_d> { 10.0.2.3, 172.20.0.53 }
table <tsh_q> { 10.0.0.0/8, !10.10.0.0/16 }
table <tsh6_1> { 2001:db8::/32, !2001:db8:1::/64 }
rdr on lo0 inet proto udp from any to <tsh_d> port 53 tagged TSHD -> 127.0.0.1 port 12353
rdr on lo0 inet proto tcp from any to <tsh_d> port 53 tagged TSHD -> 127.0.0.1 port 12300
rdr on lo0 inet proto tcp from any to any tagged TSH -> 127.0.0.1 port 12300
rdr on lo0 inet6 proto tcp from any to any tagged TSH -> fd9b:1::1 port 12300
pass in quick on lo0 reply-to lo0 inet proto udp from any to 127.0.0.1 port 12353 tagged TSHD keep state
pass in quick on lo0 reply-to lo0 inet proto tcp from any to 127.0.0.1 port 12300 flags S/SA tagged TSHD keep state
pass in quick on lo0 reply-to lo0 inet proto tcp from any to 127.0.0.1 port 12300 flags S/SA tagged TSH keep state
pass in quick on lo0 reply-to lo0 inet6 proto tcp from any to fd9b:1::1 port 12300 flags S/SA tagged TSH keep state
pass out quick on ! lo0 route-to lo0 inet proto udp from any to <tsh_d> port 53 tag TSHD keep state
pass out quick on ! lo0 route-to lo0 inet proto tcp from any to <tsh_d> port 53 flags S/SA tag TSHD keep state
pass out quick on ! lo0 route-to lo0 inet proto tcp from any to <tsh_1> port 1:442 flags S/SA tag TSH keep state
pass out quick on ! lo0 route-to lo0 inet proto tcp from any to <tsh_2> port 443 flags S/SA tag TSH keep state
pass out quick on ! lo0 route-to lo0 inet proto tcp from any to <tsh_1> port 444:65535 flags S/SA tag TSH keep state
pass out quick on ! lo0 route-to lo0 inet6 proto tcp from any to <tsh6_1> flags S/SA tag TSH keep state
block return out quick on ! lo0 inet proto udp from any to <tsh_q> port 443
`;

/** What others' programs have. */
const CLASSIC = `
table <dns_servers> { 10.0.2.3 }
rdr pass on lo0 inet proto tcp from ! 127.0.0.1 to 10.0.0.0/8 port 8000:9000 -> 127.0.0.1 port 12300
rdr pass on lo0 inet proto udp to <dns_servers> port 53 -> 127.0.0.1 port 12353
pass out route-to lo0 inet proto tcp to 10.0.0.0/8 port 8000:9000 keep state
pass out inet proto tcp to 10.10.0.0/16
pass out route-to lo0 inet proto udp to <dns_servers> port 53 keep state
`;

const withoutQuick = MEASURED.replaceAll(' quick', '');
const withoutTagged = MEASURED.replaceAll(/^(rdr .*) tagged TSH ->/gm, '$1 ->');

function machine(anchor: string, main = CALLS, network = NETWORK): PfEvaluator {
  const pf = new PfEvaluator({ interfaces: [...network.interfaces, LISTENERS] }, main);
  pf.load(ANCHOR, anchor);
  return pf;
}
const LISTENERS = { name: 'lo0', addresses: ['fd9b:1::1'], networks: [] };

const tcp = (destination: string, port: number, more: Partial<Attempt> = {}): Attempt => ({
  protocol: 'tcp',
  sourcePort: 40_000,
  destination,
  port,
  ...more,
});
const udp = (destination: string, port: number): Attempt => ({ ...tcp(destination, port), protocol: 'udp' });

/** As a row of the notes says it. */
function told(outcome: Outcome): string {
  return outcome.kind === 'here' ? `${outcome.address} ${outcome.port}` : outcome.kind;
}

const FLOWS = '127.0.0.1 12300';

describe('the rules that were tried', () => {
  const later = `${CALLS}pass out quick all\npass in quick all\n`;
  it.each<[Attempt, string]>([
    [tcp('10.99.0.1', 80), FLOWS],
    [tcp('10.1.0.1', 80), FLOWS],
    [udp('10.0.2.3', 53), '127.0.0.1 12353'],
    [tcp('10.0.2.3', 53), FLOWS],
    [tcp('2001:db8:99::77', 443), 'fd9b:1::1 12300'],
    [tcp('172.20.1.1', 80), FLOWS],
    [udp('172.20.0.53', 53), '127.0.0.1 12353'],
    [tcp('10.1.0.1', 443), 'direct'],
    [tcp('10.10.0.1', 80), 'direct'],
    [tcp('10.0.2.2', 22), 'direct'],
    [tcp('10.0.2.15', 80), '10.0.2.15 80'],
    [tcp('127.0.0.1', 80), '127.0.0.1 80'],
    [tcp('2001:db8:1::99', 80), 'direct'],
    [udp('10.99.0.1', 443), 'refused'],
    [udp('10.99.0.1', 123), 'direct'],
  ])('%o: %s, whatever later rules say', (attempt, expected) => {
    for (const main of [CALLS, later]) {
      const pf = machine(MEASURED, main);
      expect(told(pf.connect(attempt)), main).toBe(expected);
      // And each later packet by its states.
      expect(told(pf.connect(attempt)), main).toBe(expected);
    }
  });

  it('two states for a connection that is captured', () => {
    const pf = machine(MEASURED);
    for (let sourcePort = 1; sourcePort <= 300; sourcePort += 1)
      pf.connect(tcp('10.99.0.1', 80, { sourcePort }));
    expect(pf.stateCount).toBe(600);
  });

  it('a connection that was open before goes on as it is, and one that is captured outlives the rules', () => {
    const pf = machine('');
    const open = tcp('10.99.0.1', 80, { isSyn: false });
    pf.load(ANCHOR, MEASURED);
    expect(told(pf.connect(open))).toBe('direct');
    expect(told(pf.connect(tcp('10.99.0.1', 81)))).toBe(FLOWS);
    pf.flush(ANCHOR);
    expect(told(pf.connect(tcp('10.99.0.1', 81, { isSyn: false })))).toBe(FLOWS);
    expect(told(pf.connect(tcp('10.99.0.1', 82)))).toBe('direct');
  });
});

describe('what each piece is for', () => {
  it.each<[string, string, string, Attempt, string]>([
    ['classic rules: a range', CLASSIC, CALLS, tcp('10.99.0.1', 8_000), FLOWS],
    ['classic rules: out of it', CLASSIC, CALLS, tcp('10.99.0.1', 7_999), 'direct'],
    ['classic rules: an exclude', CLASSIC, CALLS, tcp('10.10.0.1', 8_000), 'direct'],
    ['classic rules: UDP DNS', CLASSIC, CALLS, udp('10.0.2.3', 53), '127.0.0.1 12353'],
    ['classic rules, a later pass', CLASSIC, `${CALLS}pass out all\n`, tcp('10.99.0.1', 8_000), 'direct'],
    ['a main ruleset that calls no anchor', MEASURED, 'pass all\n', tcp('10.99.0.1', 80), 'direct'],
    ['later pass, no quick', withoutQuick, `${CALLS}pass out all\n`, tcp('10.99.0.1', 80), 'direct'],
    ['later quick, no quick', withoutQuick, `${CALLS}pass out quick all\n`, tcp('10.99.0.1', 80), 'direct'],
    ['later pass, quick', MEASURED, `${CALLS}pass out all\n`, tcp('10.99.0.1', 80), FLOWS],
    [
      'earlier quick',
      MEASURED,
      `rdr-anchor "com.apple/*"\npass out quick all\nanchor "com.apple/*"\n`,
      tcp('10.99.0.1', 80),
      'direct',
    ],
    ['skip on lo0', MEASURED, `set skip on lo0\n${CALLS}`, tcp('10.99.0.1', 80), 'hangs'],
    ['later block, no quick', withoutQuick, `${CALLS}block out all\n`, tcp('10.99.0.1', 80), 'EPERM'],
    ['later block, quick', MEASURED, `${CALLS}block out all\n`, tcp('10.99.0.1', 80), FLOWS],
    [
      'rdr to any without tagged: own addresses',
      withoutTagged,
      // What comes back by lo0 has a state then, and is not translated as well.
      `${CALLS}pass all\n`,
      tcp('10.0.2.15', 80),
      FLOWS,
    ],
    [
      "a VPN's address, rdr pass",
      `${CLASSIC}pass out route-to lo0 inet proto tcp to 172.20.0.0/16 keep state\n`.replace(
        'to 10.0.0.0/8 port 8000:9000 ->',
        'to any ->',
      ),
      CALLS,
      tcp('172.20.1.1', 80),
      'hangs',
    ],
    [
      'the same with nat on lo0',
      `nat on lo0 inet proto tcp from any to any -> 127.0.0.1\nrdr pass on lo0 inet proto tcp from any to any -> 127.0.0.1 port 12300\npass out on ! lo0 route-to lo0 inet proto tcp to 172.20.0.0/16 keep state\n`,
      `nat-anchor "com.apple/*"\n${CALLS}`,
      tcp('172.20.1.1', 80),
      'hangs',
    ],
    ['IPv6 to ::1', MEASURED.replaceAll('fd9b:1::1', '::1'), CALLS, tcp('2001:db8:99::77', 443), 'hangs'],
    [
      'IPv6 to an address of this machine',
      MEASURED.replaceAll('fd9b:1::1', '2001:db8:1::15'),
      CALLS,
      tcp('2001:db8:99::77', 443),
      '2001:db8:1::15 12300',
    ],
  ])('%s', (_, anchor, main, attempt, expected) => {
    expect(told(machine(anchor, main).connect(attempt))).toBe(expected);
  });

  it('a sibling of com.apple is dead', () => {
    const pf = new PfEvaluator({ interfaces: [...NETWORK.interfaces, LISTENERS] }, CALLS);
    pf.load('tshuttle', MEASURED);
    expect(told(pf.connect(tcp('10.99.0.1', 80)))).toBe('direct');
    pf.load(ANCHOR, MEASURED);
    expect(told(pf.connect(tcp('10.99.0.1', 80)))).toBe(FLOWS);
  });

  it('-T add, delete and replace on a live table', () => {
    const pf = machine(MEASURED);
    const captured = (destination: string): boolean => {
      pf.forget();
      return told(pf.connect(tcp(destination, 80))) === FLOWS;
    };
    pf.table(ANCHOR, 'tsh_1').replace(['10.0.0.0/8', '!10.10.0.0/16']);
    expect(['10.1.1.1', '10.10.1.1', '172.20.1.1'].map(captured)).toEqual([true, false, false]);
    pf.table(ANCHOR, 'tsh_1').add(['10.10.7.0/24', '!10.2.0.0/16']);
    expect(['10.10.7.1', '10.10.8.1', '10.2.1.1'].map(captured)).toEqual([true, false, false]);
    pf.table(ANCHOR, 'tsh_1').delete(['!10.10.0.0/16']);
    expect(captured('10.10.9.1')).toBe(true);
  });

  it('a table called all is a syntax error, and so is what is out of order or not of the subset', () => {
    for (const text of [
      'table <all> { 10.0.0.0/8 }',
      'pass all\nrdr on lo0 from any to any -> 127.0.0.1 port 1',
      'pass out route-to (lo0 127.0.0.1) all',
      'pass out all modulate state',
      'rdr on lo0 from any to any',
      'divert-to 127.0.0.1',
    ]) {
      expect(() => parseRuleset(text), text).toThrow(/^pf: syntax error/);
    }
  });

  it.each([
    ['user 501', 501, FLOWS],
    ['user 501', 502, 'direct'],
    ['user != 501', 501, 'direct'],
    ['user != 501', 502, FLOWS],
  ])('%s, by %i: %s', (user, userId, expected) => {
    const pf = machine(MEASURED.replaceAll(' flags S/SA tag TSH ', ` ${user} flags S/SA tag TSH `));
    expect(told(pf.connect(tcp('10.99.0.1', 80, { userId })))).toBe(expected);
  });
});
