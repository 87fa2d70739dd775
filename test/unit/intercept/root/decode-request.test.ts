import { describe, expect, it } from 'vitest';
import { decodeRequest } from '../../../../src/intercept/root/decode-request.ts';
import { GrammarError } from '../../../../src/net/messages/field-reader.ts';
import { SAMPLE_PLANS } from '../rules/sample-plans.ts';

const plan = SAMPLE_PLANS['both-families']!;

/** A copy of the plan in which one place, named by its path, has another value; undefined removes it. */
function planWith(path: readonly (string | number)[], value: unknown): unknown {
  const copy: unknown = structuredClone(plan);
  let place = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) place = place[key] as Record<string | number, unknown>;
  const last = path.at(-1)!;
  if (value === undefined) delete place[last];
  else place[last] = value;
  return copy;
}

const connection = {
  originator: { family: 4, address: '192.0.2.5', port: 40_000 },
  destination: { family: 4, address: '10.0.0.8', port: 5_432 },
};

/** The kernel takes it for IPv4. */
const mapped = (address: string) => ({
  originator: { family: 6, address: '2001:db8::5', port: 40_000 },
  destination: { family: 6, address, port: 5_432 },
});

const decode = (request: unknown) => decodeRequest(JSON.stringify(request));

const ORIGINATOR = { family: 4, address: '10.0.0.1', port: 1 };

const someone = (match: object) => [{ userId: null, groupId: null, cgroup: null, ...match }];

describe('decodeRequest', () => {
  it.each([
    [[], 'nobody'],
    [someone({ userId: 0 }), 'root'],
    [someone({ userId: 4_294_967_294, groupId: 5 }), 'the highest number'],
    [someone({ cgroup: 'user.slice/user-1000.slice/user@1000.service/app-a\\x2db@1.service' }), 'a unit'],
  ])('takes a plan for %j alone (%s)', (only) => {
    const request = { type: 'apply', id: 1, plan: planWith(['only'], only) };
    expect(decode(request)).toEqual(request);
  });

  it.each([
    [undefined, 'nothing'],
    [{}, 'no list'],
    [someone({}), 'everybody in the guise of somebody'],
    [someone({ userId: -1 }), 'a number below 0'],
    [someone({ userId: 4_294_967_295 }), 'the number for nobody'],
    [someone({ userId: '0' }), 'a text'],
    [someone({ groupId: 1.5 }), 'half a group'],
    [someone({ cgroup: '' }), 'the root'],
    [someone({ cgroup: '/system.slice' }), 'a path from the root of files'],
    [someone({ cgroup: 'a/../../etc' }), 'a way up'],
    [someone({ cgroup: './a' }), 'a dot'],
    [someone({ cgroup: 'a//b' }), 'an empty name'],
    [someone({ cgroup: 'a/' }), 'a slash after it'],
    [someone({ cgroup: 'a" goto capture #' }), 'rule text'],
    [someone({ cgroup: 'a\nb' }), 'another line'],
    [someone({ cgroup: 'a$b' }), 'what nft expands'],
    [someone({ cgroup: 'a'.repeat(256) }), 'a longer name than there are'],
    [someone({ cgroup: Array(40).fill('a').join('/') }), 'a deep path'],
    [someone({ cgroup: Array(4).fill('a'.repeat(200)).join('/') }), 'a long path'],
    [someone({ user: 1 }), 'an unknown key'],
    [Array(65).fill(someone({ userId: 1 })[0]), 'too many'],
  ] as ReadonlyArray<readonly [unknown, string]>)('refuses a plan for %j alone (%s)', (only) => {
    expect(() => decode({ type: 'apply', id: 1, plan: planWith(['only'], only) })).toThrow(GrammarError);
  });

  it.each([
    { type: 'start', id: 1, method: 'auto', families: [4, 6] },
    { type: 'cleanup', id: 2 },
    { type: 'use', id: 3, candidate: 'libnftables-unowned' },
    { type: 'apply', id: 4, plan },
    { type: 'route', id: 6, network: { address: '198.18.0.0', prefixLength: 15 } },
    { type: 'end-stranded', id: 6, connections: [connection] },
    { type: 'look-up', id: 8, originators: [connection.originator] },
    { type: 'enclose', id: 9, pid: 4_711 },
    { type: 'transparent', id: 11, descriptors: [21, 22] },
    { type: 'apply', id: 10, plan: { ...plan, tmark: 0xffff_ffff } },
    { type: 'look', id: 7 },
  ])('takes $type as it is', (request) => {
    expect(decode(request)).toEqual(request);
  });

  it.each([
    ['', 'nothing'],
    ['{', 'half an object'],
    ['null', 'null'],
    ['[]', 'a list'],
    ['"look"', 'a string'],
    ['{"id":1}', 'no type'],
    ['{"type":"look"}', 'no id'],
    ['{"type":"look","id":0}', 'id 0'],
    ['{"type":"look","id":1.5}', 'half an id'],
    ['{"type":"look","id":"1"}', 'an id in quotes'],
    ['{"type":"look","id":1,"run":"reboot"}', 'an unknown key'],
    ['{"type":"run","id":1}', 'an unknown type'],
    ['{"type":"transparent","id":1,"descriptors":[]}', 'no descriptor'],
    ['{"type":"transparent","id":1,"descriptors":[1,2,3]}', 'three descriptors'],
    ['{"type":"transparent","id":1,"descriptors":[-1]}', 'a descriptor below 0'],
    ['{"type":"transparent","id":1,"descriptors":["/dev/mem"]}', 'a path'],
    [JSON.stringify({ type: 'apply', id: 1, plan: { ...plan, tmark: 0 } }), 'a mark without bits'],
    [JSON.stringify({ type: 'apply', id: 1, plan: { ...plan, tmark: 2 ** 32 } }), 'a mark of 33 bits'],
    [
      JSON.stringify({ type: 'apply', id: 1, plan: { ...plan, tmark: 0x7473_00fe } }),
      'a mark of the main table',
    ],
    ['{"type":"toString","id":1}', 'a property of every object'],
    ['{"type":"enclose","id":1,"pid":0}', 'no process'],
    ['{"type":"enclose","id":1,"pid":-1}', 'all processes'],
    ['{"type":"enclose","id":1,"pid":"self"}', 'a word for a process'],
    ['{"type":"enclose","id":1,"pid":1,"cgroup":"a"}', 'a path for a process'],
    ['{"type":"use","id":1,"candidate":"/bin/sh"}', 'a path for a candidate'],
    ['{"type":"start","id":1,"method":"ipfw","families":[4]}', 'an unknown method'],
    ['{"type":"start","id":1,"method":"auto","families":[]}', 'no family'],
    ['{"type":"start","id":1,"method":"auto","families":[4,4]}', 'a family twice'],
    ['{"type":"exempt","id":1,"endpoints":{"length":0}}', 'something like a list'],
    ['{"type":"look-up","id":1,"originators":[{"family":4,"address":"10.0.0.1","port":0}]}', 'no port'],
    ['{"type":"look-up","id":1,"originators":[],"listenerPort":22}', "another's listener"],
    [JSON.stringify({ type: 'look-up', id: 1, originators: new Array(257).fill(ORIGINATOR) }), 'too many'],
    ['{"type":"route","id":1,"network":{"address":"0.0.0.0","prefixLength":0}}', 'a default route'],
    ['{"type":"route","id":1,"network":{"address":"10.0.0.1","prefixLength":24}}', 'bits beyond the prefix'],
    ['{"type":"route","id":1,"network":{"address":"fd00::","prefixLength":24}}', 'a route of IPv6'],
    [
      '{"type":"route","id":1,"network":{"address":"10.0.0.0","prefixLength":"24; reboot"}}',
      'a text for a number',
    ],
    ['{"__proto__":{"type":"look"},"id":1}', 'an inherited type'],
  ])('refuses %s (%s)', (line) => {
    expect(() => decodeRequest(line)).toThrow(GrammarError);
  });

  const injections = [
    '10.0.0.1; flush ruleset',
    '10.0.0.1 }\ntable inet x {',
    '10.0.0.1\n',
    ' 10.0.0.1',
    '$(reboot)',
    '@/etc/shadow',
    '10.0.0.1/8',
    '10.0.0',
    '010.0.0.1',
    'fe80::1%eth0',
    'fe80::1%eth0;x',
    '',
    7,
    null,
    ['10.0.0.1'],
  ];
  it.each(injections)('refuses %j for an address', (address) => {
    const at = ['groups', 0, 'intervals4', 0];
    expect(() => decode({ type: 'apply', id: 1, plan: planWith([...at, 'first'], address) })).toThrow(
      GrammarError,
    );
    expect(() => decode({ type: 'apply', id: 1, plan: planWith([...at, 'last'], address) })).toThrow(
      GrammarError,
    );
    for (const family of [4, 6]) {
      const exempt = [{ family, address, port: 22 }];
      expect(() => decode({ type: 'apply', id: 1, plan: { ...plan, exempt } })).toThrow(GrammarError);
    }
  });

  it.each([
    [['listenerPort'], 0],
    [['listenerPort'], 65_536],
    [['listenerPort'], '12300'],
    [['families'], [5]],
    [['families'], undefined],
    [['groups'], 'all'],
    [['groups', 0, 'ports', 'first'], 0],
    [['groups', 1, 'ports', 'last'], 7_999],
    [['groups', 0, 'ports', 'last'], 65_536],
    [['groups', 0, 'comment'], 'x'],
    [['groups', 0, 'intervals4', 0, 'action'], 'accept'],
    [['groups', 0, 'intervals4', 0, 'first'], '2001:db8::1'],
    [['groups', 0, 'intervals4', 0, 'comment'], 'x'],
    [['exempt', 0, 'family'], 6],
    [['exempt', 0, 'port'], 0],
    [['exempt', 0, 'port'], undefined],
    [['alsoFrom'], undefined],
    [['alsoFrom'], 'docker0'],
    [['udp'], 'drop'],
    [['udp'], undefined],
    [['resolverFiles'], undefined],
    [['resolverFiles'], { zones: [], port: 0 }],
    [['resolverFiles'], { zones: 'a.example', port: 53 }],
    [['resolverFiles'], { zones: ['a.example'], port: 53, text: 'nameserver 10.0.0.1' }],
    [['resolverFiles'], { zones: Array.from({ length: 129 }, (_, index) => `z${index}`), port: 53 }],
  ])('refuses a plan whose %j is %j', (path, value) => {
    expect(() => decode({ type: 'apply', id: 1, plan: planWith(path, value) })).toThrow(GrammarError);
  });

  it.each([
    ...[
      '',
      '.',
      '..',
      '../passwd',
      '/etc/passwd',
      'a/b',
      'a\\b',
      'a..b',
      '.a',
      'a.',
      '*.a',
      '*',
      'A.example',
      'a b',
    ],
    ...[
      'a\n',
      'a\nnameserver 10.0.0.1',
      'a\0',
      'a;b',
      '$(id)',
      '-a',
      'a-.b',
      'ä.example',
      `${'a'.repeat(64)}.b`,
    ],
    ...[`${'a.'.repeat(127)}b`, null, 5, ['a']],
  ])('refuses a zone that is no name in lower case: %j', (zone) => {
    const resolverFiles = { zones: ['internal.example', zone], port: 12_353 };
    expect(() => decode({ type: 'apply', id: 1, plan: { ...plan, resolverFiles } })).toThrow(GrammarError);
  });

  it('takes zones by their names', () => {
    const resolverFiles = { zones: ['internal.example', 'corp', '_ldap._tcp.x-1.example'], port: 12_353 };
    expect(decode({ type: 'apply', id: 1, plan: { ...plan, resolverFiles } })).toMatchObject({
      plan: { resolverFiles },
    });
  });

  const others = SAMPLE_PLANS['others-too']!;

  it('takes a plan with others as it is', () => {
    const request = { type: 'apply', id: 1, plan: others };
    expect(decode(request)).toEqual(request);
  });

  const eth0 = { kind: 'interface', name: 'eth0' };
  it.each([
    ...[
      '',
      'lo',
      '*',
      'a*b',
      '-j',
      'eth0"',
      'eth 0',
      'eth0\n',
      '$(x)',
      '../x',
      'sixteen-letters-',
      7,
      null,
    ].map((name) => ({ sources: [{ kind: 'interface', name }], links: [] })),
    { sources: [], links: [] },
    { sources: [{ ...eth0, device: 'x' }], links: [] },
    { sources: [{ kind: 'interface' }], links: [] },
    { sources: [{ kind: 'network', address: '10.0.0.0/8', prefixLength: 8 }], links: [] },
    { sources: [{ kind: 'network', address: '10.0.0.0', prefixLength: 33 }], links: [] },
    { sources: [{ kind: 'mark', name: 'eth0' }], links: [] },
    { sources: Array(65).fill(eth0), links: [] },
    { sources: [eth0], links: Array(257).fill({ address: '10.0.0.0', prefixLength: 8 }) },
    { sources: [eth0], links: [{ address: 'fe80::1%eth0', prefixLength: 64 }] },
    { sources: [eth0] },
  ])('refuses %j for others', (alsoFrom) => {
    expect(() => decode({ type: 'apply', id: 1, plan: { ...others, alsoFrom } })).toThrow(GrammarError);
  });

  it.each<[string, unknown]>([
    ['no list', {}],
    ['a connection without a destination', [{ originator: connection.originator }]],
    ['one with more than that', [{ ...connection, userId: 0 }]],
    ['one of two families', [{ ...connection, destination: { family: 6, address: 'fd77::2', port: 1 } }]],
    ['a mapped address', [mapped('::ffff:10.0.0.8')]],
    ['a mapped address written out', [mapped('0:0:0:0:0:ffff:a00:8')]],
    ['a port of 0', [{ ...connection, originator: { ...connection.originator, port: 0 } }]],
    ['too many', new Array(257).fill(connection)],
  ])('refuses stranded connections: %s', (_name, connections) => {
    expect(() => decode({ type: 'end-stranded', id: 1, connections })).toThrow(GrammarError);
  });

  it('refuses intervals that run backwards, overlap, or are out of order', () => {
    const interval = (first: string, last: string) => ({ first, last, action: 'capture' });
    for (const intervals of [
      [interval('10.0.0.2', '10.0.0.1')],
      [interval('10.0.0.0', '10.0.0.9'), interval('10.0.0.9', '10.0.0.10')],
      [interval('10.0.1.0', '10.0.1.9'), interval('10.0.0.0', '10.0.0.9')],
    ]) {
      const changed = planWith(['groups', 0, 'intervals4'], intervals);
      expect(() => decode({ type: 'apply', id: 1, plan: changed })).toThrow(GrammarError);
    }
  });

  it('refuses more endpoints, groups and intervals than the limits', () => {
    const endpoints = Array.from({ length: 1_025 }, () => ({ family: 4, address: '10.0.0.1', port: 22 }));
    expect(() => decode({ type: 'apply', id: 1, plan: { ...plan, exempt: endpoints } })).toThrow(/1024/);
    const empty = { ports: { first: 1, last: 1 }, intervals4: [], intervals6: [] };
    const groups = Array.from({ length: 4_097 }, () => empty);
    expect(() => decode({ type: 'apply', id: 1, plan: { ...plan, groups } })).toThrow(/4096/);
    const intervals4 = Array.from({ length: 66_000 }, (_, index) => {
      const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
      return { first: address, last: address, action: 'pass' };
    });
    const halves = [
      { ...empty, intervals4 },
      { ...empty, intervals4 },
    ];
    expect(() => decode({ type: 'apply', id: 1, plan: { ...plan, groups: halves } })).toThrow(/131072/);
  });
});
