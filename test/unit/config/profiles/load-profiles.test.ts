import { describe, expect, test } from 'vitest';
import { NOTHING_GIVEN } from '../../../../src/config/options/table.ts';
import type { TextFile } from '../../../../src/config/parse/files/text-file.ts';
import { parseConfig } from '../../../../src/config/parse-config.ts';
import {
  loadProfileFile,
  loadProfiles,
  profileNames,
} from '../../../../src/config/profiles/load-profiles.ts';
import { renderProblem } from '../../../../src/core/problem.ts';

const USER = '/home/me/.config/tshuttle/config.yaml';
const PROJECT = '/work/.tshuttle.yaml';

/** What {@link loadProfiles} finds on a machine that has only these files. */
function surroundingsOf(files: Readonly<Record<string, string>>, workingDirectory = '/work/deep/in') {
  const read = (path: string): TextFile | undefined => {
    const text = files[path];
    return text === undefined ? undefined : { kind: 'text', text };
  };
  return {
    configHome: undefined,
    homeDirectory: '/home/me',
    workingDirectory,
    readTrustedFile: (path: string) => read(path) ?? ({ kind: 'missing' } as const),
    readTextFile: (path: string): TextFile =>
      read(path) ?? { kind: 'unreadable', what: 'cannot be read: there is no such file' },
    whyUnreadable: (path: string) => (path in files ? undefined : 'there is no such file'),
  };
}

function problemsOf(yaml: string, file = USER): string[] {
  const surroundings = surroundingsOf({ [file]: yaml });
  return loadProfileFile(file, surroundings).problems.map(renderProblem);
}

function load(wanted: readonly string[] | 'all', files: Readonly<Record<string, string>>) {
  const { profiles, problems, warnings } = loadProfiles(wanted, surroundingsOf(files));
  return {
    names: profiles.map(({ name }) => name),
    profiles,
    problems: problems.map(renderProblem),
    warnings: warnings.map(renderProblem),
  };
}

const EVERYTHING = `
profiles:
  office:
    remote: me@gate.example:2222
    identity: [key]
    ssh_options: [ConnectTimeout=3]
    ssh_config: ssh_config
    jump: a,b:23
    upstream_proxy: socks5://proxy:1081
    session: false
    connections: 4
    subnets:
      - 10.0.0.0/8
      - "[2001:db8::/32]:443"
    subnets_from: [nets]
    excludes: [10.1.0.0/16]
    excludes_from: [not]
    zones: [internal.example, "*.rds.example"]
    resolve: bastion
    synthetic_range: [198.18.0.0/15, "fd00:1::/64"]
    hosts: [db.internal.example=10.0.0.8]
    auto_hosts: true
    seed_hosts: [db, cache.internal.example]
    dns: true
    ns_hosts: [192.0.2.53, 192.0.2.54]
    to_ns: [10.0.0.2, 10.0.0.3:5353]
    ipv6: false
    method: nft
    listen: 127.0.0.1:12300
    verbose: 1
    log_format: json
    transport: auto
    openssh_carry: handover
    openstack: mycloud
    openstack_catalog: catalog.json
    openstack_interface: internal
    openstack_region: one
`;

describe('a profile', () => {
  test('comes to the same configuration as a command line', () => {
    const folder = '/home/me/.config/tshuttle';
    const files = {
      [USER]: EVERYTHING,
      [`${folder}/key`]: '',
      [`${folder}/ssh_config`]: '',
      [`${folder}/nets`]: '10.2.0.0/16',
      [`${folder}/not`]: '10.3.0.0/16',
    };
    const { profiles, problems } = load(['office'], files);
    expect(problems).toEqual([]);
    const written = parseConfig(
      {
        ...NOTHING_GIVEN,
        remote: ['me@gate.example:2222'],
        identityFiles: ['key'],
        sshOptions: ['ConnectTimeout=3'],
        sshConfigFile: 'ssh_config',
        jump: 'a,b:23',
        upstreamProxy: 'socks5://proxy:1081',
        transport: 'auto',
        opensshCarry: 'handover',
        openstack: 'mycloud',
        openstackCatalog: 'catalog.json',
        openstackInterface: 'internal',
        openstackRegion: 'one',
        mayOpenSession: false,
        connections: '4',
        subnets: ['10.0.0.0/8', '[2001:db8::/32]:443'],
        subnetFiles: ['nets'],
        excludes: ['10.1.0.0/16'],
        excludeFiles: ['not'],
        zones: ['internal.example', '*.rds.example'],
        resolve: 'bastion',
        syntheticRanges: '198.18.0.0/15,fd00:1::/64',
        hosts: ['db.internal.example=10.0.0.8'],
        bastionHosts: true,
        seedHosts: 'db,cache.internal.example',
        everything: true,
        nameservers: '192.0.2.53,192.0.2.54',
        resolvers: '10.0.0.2,10.0.0.3:5353',
        ipv6: false,
        method: 'nft',
        listen: '127.0.0.1:12300',
        verbosity: 1,
        logFormat: 'json',
        daemon: true,
      },
      surroundingsOf(files, folder),
    );
    const withoutPlaces = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value, (key, inner: unknown) =>
          key === 'where' ? undefined : typeof inner === 'bigint' ? inner.toString() : inner,
        ),
      );
    if (written.kind !== 'config') throw new Error(written.problems.map(renderProblem).join());
    expect(withoutPlaces(profiles[0]?.config)).toEqual(withoutPlaces(written.config));
    expect(Object.isFrozen(profiles[0]?.config.subnets)).toBe(true);
  });

  test('has its subnets where they stand', () => {
    const { profiles } = load(['a'], {
      [USER]: 'profiles:\n  a:\n    remote: h\n    subnets: [10.0.0.0/8,\n      db]\n',
    });
    expect(profiles[0]?.config.subnets.map(({ where }) => where)).toEqual([
      `${USER}:4:15 subnets 10.0.0.0/8`,
      `${USER}:5:7 subnets db`,
    ]);
  });
});

describe('what is wrong', () => {
  test('with the form is told all at once, each with line and column', () => {
    const yaml = `
profiles:
  office:
    subnets: 10.0.0.0/8
    conections: 4
    connections: 99
    dns: "yes"
    method: ipfw
    excludes: [1, "", "a\\nb"]
    # nothing
  2 many: {remote: h}
  empty:
more: true
`;
    expect(problemsOf(yaml)).toEqual([
      `${USER}:3:3: office has no remote`,
      `${USER}:4:14: subnets must be a list, as in [one, two], or each on a line of its own after a dash`,
      `${USER}:5:5: conections is not an option of a profile; perhaps connections`,
      `${USER}:6:18: connections must be a whole number from 1 to 16`,
      `${USER}:7:10: dns must be true or false`,
      `${USER}:8:13: method must be one of auto, nft, iptables, tproxy, pf`,
      `${USER}:9:16: excludes must be text; put it in quotes`,
      `${USER}:9:19: excludes is empty`,
      `${USER}:9:23: excludes has a control character in it`,
      `${USER}:11:3: 2 many is not a name: letters, digits, dot, dash and underscore, 63 at most`,
      `${USER}:12:9: empty must hold the options of a profile`,
      `${USER}:13:1: more is not known here; profiles stand below \`profiles:\``,
    ]);
  });

  test('with YAML itself is told with its place', () => {
    expect(problemsOf('profiles:\n  a: {remote: h\n  b: [\n')[0]).toMatch(/config\.yaml:\d:\d: .*\}/);
    expect(problemsOf('profiles:\n  a: {remote: h, subnets: [db]}\n  a: {remote: i}\n')).toEqual([
      `${USER}:3:3: a is there twice; only one can count`,
      expect.stringMatching(/:3:\d+ subnets: is missing/),
    ]);
    expect(problemsOf('')).toEqual([`${USER}:1:1: has no \`profiles:\``]);
    expect(problemsOf('{}')).toEqual([`${USER}:1:1: has no \`profiles:\``]);
    expect(problemsOf('profiles: a')).toEqual([`${USER}:1:11: profiles must hold profiles by their names`]);
    expect(problemsOf('profiles: [a]')).toEqual([`${USER}:1:11: profiles must hold profiles by their names`]);
    expect(problemsOf('profiles: {a: []}')).toEqual([`${USER}:1:15: a must hold the options of a profile`]);
  });

  test('with values is told with their places', () => {
    const yaml = `profiles:
  a:
    remote: "me@"
    subnets: [10.0.0.0/8, 10.0.0/33, db]
    zones: [a..b]
    to_ns: [10.0.0.2, x]
    identity: [~/nothing]
    subnets_from: ["-", nets]
  b:
    remote: me:secret@h
    upstream_proxy: socks5://u:secret@p
`;
    const problems = problemsOf(yaml);
    expect(problems.join('\n')).not.toContain('secret');
    expect(problems.map((problem) => problem.slice(USER.length + 1).replace(/(?<=: ).*/, ''))).toEqual([
      '3:13 remote me@: ',
      '4:27 subnets 10.0.0/33: ',
      '5:13 zones a..b: ',
      '6:12 to_ns 10.0.0.2,x: ',
      '7:16 identity ~/nothing: ',
      '8:20 subnets_from -: ',
      '8:25 subnets_from nets: ',
      '9:3 subnets: ',
      '10:13 remote: ',
      '11:21 upstream_proxy: ',
    ]);
  });

  test.each([
    [
      'aliases without end',
      `a: &a [x, x, x, x, x, x, x, x, x]\n${'b'.repeat(1)}: &b [${'*a,'.repeat(40)}]\nc: [${'*b,'.repeat(40)}]`,
    ],
    ['brackets without end', `profiles: ${'['.repeat(100_000)}`],
    ['a long file', `# ${'x'.repeat(1_048_576)}`],
  ])('is %s, and nothing more happens', (_name, yaml) => {
    expect(problemsOf(yaml).length).toBeGreaterThan(0);
  });
});

test('a cloud is all that a profile needs to capture', () => {
  const yaml = (more: string): string => `profiles: {cloud: {remote: h, ${more}}}`;
  expect(problemsOf(yaml('openstack: true'))).toEqual([]);
  expect(problemsOf(yaml('openstack: mycloud, openstack_catalog: true'))).toEqual([]);
  expect(problemsOf(yaml('openstack: false')).join()).toContain('must be text or true');
  expect(problemsOf(yaml('subnets: [db], openstack_region: one')).join()).toContain('has no effect without');
  expect(problemsOf(yaml('openstack: mycloud, openstack_catalog: "-"')).join()).toContain(
    'is standard input, which a profile cannot read',
  );
});

describe('a project file', () => {
  const yaml = 'profiles: {shop: {remote: shop.example, subnets: [10.0.0.0/8]}}';

  test('is found up the tree, and read only for names that the user has not', () => {
    const user = 'profiles: {office: {remote: h, subnets: [10.0.0.0/8]}}';
    expect(load(['shop'], { [USER]: user, [PROJECT]: yaml })).toMatchObject({
      names: ['shop'],
      problems: [],
    });
    expect(load(['office'], { [USER]: user, [PROJECT]: '[' })).toMatchObject({
      names: ['office'],
      problems: [],
    });
    expect(load('all', { [USER]: user, [PROJECT]: yaml }).names).toEqual(['office', 'shop']);
    expect(
      load(['shop'], { [USER]: user, '/work/deep/in/.tshuttle.yaml': yaml, [PROJECT]: '[' }).names,
    ).toEqual(['shop']);
  });

  test('never takes the place of a profile of the user', () => {
    const own = 'profiles: {shop: {remote: mine, subnets: [10.0.0.0/8]}}';
    const { profiles, warnings } = load('all', { [USER]: own, [PROJECT]: yaml });
    expect(profiles.map(({ file, config }) => [file, config.remote.host])).toEqual([[USER, 'mine']]);
    expect(warnings).toEqual([`${PROJECT}:1:18: shop is hidden by the one in ${USER}`]);
  });

  test.each([
    ['ssh_options: [ProxyCommand=nc %h %p]', 'ssh_options: ProxyCommand may not'],
    ['ssh_options: ["KnownHostsCommand x"]', 'ssh_options: KnownHostsCommand may not'],
    ['ssh_options: [pkcs11provider=/tmp/x.so]', 'ssh_options: pkcs11provider may not'],
    ['ssh_options: ["match exec x"]', 'ssh_options: match may not'],
    ['ssh_options: [hostname=x;y]', 'ssh_options: hostname may not'],
    ['ssh_options: [StrictHostKeyChecking=no]', 'ssh_options: StrictHostKeyChecking may not'],
    ['ssh_config: theirs', 'ssh_config: may not'],
    ['on_event: curl http://evil.example', 'on_event: may not'],
    ['openstack_catalog: true', 'openstack_catalog: may not'],
    ['openstack_catalog: cli', 'openstack_catalog: may not'],
    ['jump: "a;b"', 'jump: has a host'],
  ])('may not say %s', (line, problem) => {
    const text = `profiles:\n  shop:\n    remote: h\n    subnets: [10.0.0.0/8]\n    ${line}\n`;
    const files = { [PROJECT]: text, '/work/theirs': '' };
    expect(load(['shop'], files).problems.join()).toContain(problem);
  });
});

test('a name that is not there is told with those that are', () => {
  const files = {
    [USER]: 'profiles: {office: {remote: h, subnets: [db]}, home: {remote: h, subnets: [db]}}',
  };
  expect(load(['ofice', 'x'], files).problems).toEqual([
    'ofice: is not a profile; perhaps office',
    'x: is not a profile; there are office, home',
  ]);
  expect(load(['x'], {}).problems).toEqual([`x: is not a profile: there are none; write them into ${USER}`]);
});

describe('profileNames', () => {
  const valid = 'profiles: {office: {remote: b, subnets: [10.0.0.0/8]}, odd: {remote: b, subnets: [x y]}}';
  const project = 'profiles: {lab: {remote: b, subnets: [10.0.0.0/8]}}';

  test('those of both files, also of profiles that are wrong', () => {
    const files = { [USER]: valid, [PROJECT]: project };
    expect(profileNames(surroundingsOf(files))).toEqual(['office', 'odd', 'lab']);
  });

  test('a file that is no file of profiles has none, and there may be no file', () => {
    expect(profileNames(surroundingsOf({ [USER]: 'profiles: {office: {', [PROJECT]: project }))).toEqual([
      'lab',
    ]);
    expect(profileNames(surroundingsOf({}))).toEqual([]);
  });
});
