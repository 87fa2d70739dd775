import { describe, expect, it } from 'vitest';
import { profilesThatWould } from '../../../../../src/cli/commands/explain/profiles-that-would.ts';
import {
  type Deciding,
  explainAddressByTunnels,
  explainNameByTunnels,
} from '../../../../../src/cli/commands/explain/running-explanation.ts';
import { NOTHING_GIVEN } from '../../../../../src/config/options/table.ts';
import { parseConfig } from '../../../../../src/config/parse-config.ts';
import type { ReportedNames } from '../../../../../src/daemon/control/protocol.ts';
import { reportOf, UP } from '../../../../support/in-process/tunnel-reports.ts';

const office = reportOf('office', UP, '10.0.0.0/8', '-10.9.0.0/16');
const lab = reportOf('lab', UP, '10.1.0.0/16:443');
const NAMES: ReportedNames = {
  zones: ['internal.example'],
  everything: false,
  resolvers: [],
  resolve: 'auto',
  hosts: ['db.example=10.0.0.8'],
  syntheticRanges: ['198.18.0.0/15', 'fd9b:4e27:6cd1::/96'],
};

const explain = (address: string, port: number | undefined, ...tunnels: readonly Deciding[]) =>
  explainAddressByTunnels({ family: address.includes(':') ? 6 : 4, address, port }, tunnels);

describe('which tunnel captures an address', () => {
  it.each<[string, number | undefined, string, readonly string[]]>([
    ['10.0.0.8', 5432, '10.0.0.8:5432: office captures it: 10.0.0.0/8', ['office']],
    ['10.0.0.8', undefined, '10.0.0.8: office captures it: 10.0.0.0/8', ['office']],
    [
      '10.1.0.8',
      443,
      '10.1.0.8:443: lab captures it: 10.1.0.0/16:443; two tunnels could, also office (10.0.0.0/8): lab wins, since it was started last',
      ['office', 'lab'],
    ],
    ['10.1.0.8', 80, '10.1.0.8:80: office captures it: 10.0.0.0/8', ['office']],
    [
      '10.9.0.1',
      22,
      '10.9.0.1:22: no tunnel captures it: office excludes it by -x 10.9.0.0/16; no subnet of lab has it',
      [],
    ],
    ['2001:db8::1', 22, '[2001:db8::1]:22: no tunnel captures it: no subnet of office or lab has it', []],
  ])('%s, port %s', (address, port, line, capturedBy) => {
    expect(explain(address, port, office, lab)).toEqual({ lines: [line], capturedBy });
  });

  it('is the one that was started last, whichever that is', () => {
    expect(explain('10.1.0.8', 443, lab, office).lines[0]).toMatch(
      /: office captures it: .*office wins, since/,
    );
  });

  it('is another one for other programs, and in another network namespace', () => {
    const alices = { ...office, programs: 'user alice' };
    const bobs = { ...lab, programs: 'user bob' };
    expect(explain('10.1.0.8', 443, alices, bobs).lines).toEqual([
      expect.stringMatching(/: lab captures it, of user bob only: [^;]*$/),
      expect.stringMatching(/: office captures it, of user alice only: [^;]*$/),
    ]);
    const blue = { ...lab, namespace: 'the network namespace blue' };
    expect(explain('10.1.0.8', 443, office, blue).lines).toEqual([
      expect.stringMatching(/: lab captures it, in the network namespace blue only: [^;]*$/),
      expect.stringMatching(/: office captures it: [^;]*$/),
    ]);
    expect(explain('10.1.0.8', 443, alices, lab).lines).toEqual([expect.stringMatching(/lab wins, since/)]);
  });

  it('says whose connections, what was not told, and what stands for a name', () => {
    expect(explain('10.0.0.8', 1, { ...office, programs: 'user alice' }).lines).toEqual([
      '10.0.0.8:1: office captures it, of user alice only: 10.0.0.0/8',
    ]);
    expect(explain('192.0.2.1', 1, { ...office, ruleCount: 300 }).lines[0]).toContain(
      'none of the first 2 of the 300 subnets of office has it',
    );
    expect(explain('198.18.0.7', 1, { ...office, names: NAMES }).lines[0]).toContain(
      'office captures it: an address of 198.18.0.0/15 may stand for a name',
    );
  });
});

describe('which tunnel answers for a name', () => {
  const named = { ...office, names: NAMES };
  it('the last one that has a zone for it; what it leaves alone is for its addresses to decide', () => {
    expect(explainNameByTunnels('db.internal.example', [lab, named])).toEqual({
      by: 'name',
      capturedBy: ['office'],
      lines: [
        'db.internal.example: office answers for it: --domain internal.example: an address of 198.18.0.0/15 stands for it, and the bastion connects to the name',
      ],
    });
    const both = explainNameByTunnels('db.internal.example', [named, { ...lab, names: NAMES }]);
    expect(both.lines[0]).toMatch(
      /: lab answers for it: .*; two tunnels could, also office \(--domain .*\): lab wins/,
    );
    expect(explainNameByTunnels('www.example.org', [named])).toEqual({
      lines: [],
      capturedBy: [],
      by: 'addresses',
    });
    expect(explainNameByTunnels('db.example', [named])).toMatchObject({
      by: 'addresses',
      addresses: ['10.0.0.8'],
    });
  });

  it('none of a version that does not tell of names', () => {
    const { names: _, ...before } = office;
    expect(explainNameByTunnels('db.internal.example', [before])).toMatchObject({ capturedBy: [] });
  });
});

it('which profile would capture it: by a network, a zone or the name as it is written', () => {
  const configOf = (subnets: readonly string[], zones?: readonly string[]) => {
    const result = parseConfig(
      { ...NOTHING_GIVEN, remote: ['h'], subnets, ...(zones === undefined ? {} : { zones }) },
      {
        readTextFile: () => ({ kind: 'unreadable', what: 'no' }),
        whyUnreadable: () => undefined,
        homeDirectory: '/home',
        workingDirectory: '/',
      },
    );
    if (result.kind !== 'config') throw new Error(JSON.stringify(result.problems));
    return result.config;
  };
  const profiles = [
    { name: 'office', config: configOf(['10.0.0.0/8', 'db.example']) },
    { name: 'lab', config: configOf(['192.0.2.0/24'], ['internal.example']) },
  ];
  const would = (host: string, port?: number) => profilesThatWould([host], port, profiles);
  expect(would('10.0.0.8', 22)).toEqual([{ name: 'office', by: '10.0.0.0/8' }]);
  expect(would('db.example')).toEqual([{ name: 'office', by: 'db.example' }]);
  expect(would('x.internal.example')).toEqual([{ name: 'lab', by: '--domain internal.example' }]);
  expect(would('203.0.113.1')).toEqual([]);
});
