import { describe, expect, it } from 'vitest';
import { chooseCloud } from '../../../../src/openstack/clouds/choose-cloud.ts';
import { fakeMachine, HOME_FILE } from '../fake-machine.ts';

const problemsOf = (
  text: string,
  cloud?: string,
  environment?: Record<string, string>,
): readonly string[] => {
  const result = chooseCloud({ cloud }, fakeMachine({ [HOME_FILE]: text }, environment));
  if (result.kind === 'cloud') throw new Error('it was taken');
  return result.problems.map(({ where, what }) => `${where.replace(HOME_FILE, 'clouds.yaml')}: ${what}`);
};

const CLOUD_A = 'clouds: {a: {auth: {auth_url: "https://a.example:5000/v3"}}}';

describe('a cloud', () => {
  it('is known with the place of its auth_url', () => {
    const text =
      'clouds:\n  a:\n    auth:\n      auth_url: https://api.example/identity/v3\n      password: secret\n';
    const result = chooseCloud({}, fakeMachine({ [HOME_FILE]: text }));
    expect(result).toMatchObject({
      kind: 'cloud',
      cloud: { name: 'a', authUrl: { host: 'api.example', port: 443, from: `${HOME_FILE}:4:17` } },
    });
    expect(result.kind === 'cloud' && JSON.stringify(result.cloud)).not.toContain('secret');
  });

  it.each([
    ['https://[2001:db8::5]:5000/v3', '2001:db8::5', 5000],
    ['http://api.example', 'api.example', 80],
    ['https://api.example./v3/', 'api.example', 443],
  ])('may be at %s', (url, host, port) => {
    const result = chooseCloud({}, fakeMachine({ [HOME_FILE]: `clouds: {a: {auth: {auth_url: '${url}'}}}` }));
    expect(result).toMatchObject({ cloud: { authUrl: { host, port } } });
  });

  it('is of the file that can be read when an earlier one cannot', () => {
    const machine = fakeMachine({ [HOME_FILE]: 'clouds: {a: {auth: {auth_url: https://a.example}}}' });
    const readFile: typeof machine.readFile = (path) =>
      path === '/work/clouds.yaml'
        ? { kind: 'unreadable', what: 'permission denied', isThere: true }
        : machine.readFile(path);
    expect(chooseCloud({}, { ...machine, readFile })).toMatchObject({ kind: 'cloud', cloud: { name: 'a' } });
  });
});

describe('a clouds.yaml that is wrong', () => {
  it('is told of with every place that is no YAML, and without a word of it', () => {
    const text =
      'clouds:\n  a:\n    auth:\n      password: "hunter2\\q"\n\tauth_url: @hunter2\n  b: ]hunter2\n';
    const problems = problemsOf(text);
    expect(problems.length).toBeGreaterThan(2);
    for (const problem of problems) expect(problem).toMatch(/^clouds\.yaml:\d+:\d+: is no YAML: /);
    expect(problems.join('\n')).not.toContain('hunter2');
    expect(problems[0]).toMatch(/^clouds\.yaml:4:/);
  });

  it('is told of with every value that cannot be', () => {
    const text =
      'clouds:\n  a:\n    auth: {auth_url: [1]}\n    region_name: {x: hunter2}\n    verify: [hunter2]\n    regions: north\n';
    expect(problemsOf(text)).toEqual([
      'clouds.yaml:3:22: auth.auth_url is not text',
      'clouds.yaml:4:18: region_name is neither text nor a list of names',
      'clouds.yaml:6:14: regions is no list of regions',
      'clouds.yaml:5:13: verify is neither true nor false',
    ]);
  });

  it.each([
    ['clouds: {a: {auth: secret}}', 'clouds.yaml:1:20: auth is no mapping of names to values'],
    ['clouds: {a: secret}', 'clouds.yaml:1:13: the cloud is no mapping of names to values'],
    ['clouds: {a: {auth: {}}}', 'the cloud a: has no auth_url'],
    [
      'clouds: {a: {auth: {auth_url: "api secret"}}}',
      'clouds.yaml:1:31: auth_url is no URL, as in https://cloud.example:5000/v3',
    ],
    [
      'clouds: {a: {auth: {auth_url: "ftp://api"}}}',
      'clouds.yaml:1:31: auth_url does not begin with https:// or http://',
    ],
    [
      'clouds: {a: {auth: {auth_url: "https://u:secret@api"}}}',
      'clouds.yaml:1:31: auth_url has a user or password in it; leave them out',
    ],
    [
      'clouds: {a: {auth: {auth_url: "https://{region_name}.x"}}}',
      'clouds.yaml:1:31: auth_url needs {region_name}, which the cloud a does not say',
    ],
    [
      'clouds: {a: {interface: secret, auth: {auth_url: "https://a"}}}',
      'clouds.yaml:1:25: interface is not one of public, internal, admin',
    ],
    [
      'clouds: {a: {profile: vexxhost}}',
      'the cloud a: has no auth_url, and its profile vexxhost (clouds.yaml:1:23) is neither in clouds-public.yaml nor one ' +
        'that tshuttle knows; write the auth_url into clouds.yaml',
    ],
    [
      'clouds: {a: {}, b: {}}',
      '--openstack: needs the name of a cloud, of those in clouds.yaml: a, b; or set OS_CLOUD',
    ],
  ])('%s', (text, expected) => {
    expect(problemsOf(text).map((problem) => problem.replaceAll(HOME_FILE, 'clouds.yaml'))).toEqual([
      expected,
    ]);
  });

  it('may lack the cloud', () => {
    expect(problemsOf('clouds: {a: {}}', 'b').join()).toBe(
      `the cloud b: is not in ${HOME_FILE}, which has a`,
    );
  });

  it('may be none, and no variable either', () => {
    const result = chooseCloud({}, fakeMachine({}));
    expect(result).toMatchObject({ kind: 'problems' });
    const [, files = ''] =
      /finds no cloud: OS_AUTH_URL is not set, and there is none of ([^;]*); source an openrc file/.exec(
        JSON.stringify(result),
      ) ?? [];
    const named = files.split(', ');
    expect(named[0]).toBe('/work/clouds.yaml');
    expect(named).toEqual([...new Set(named)]);
  });

  it.each([
    ['clouds.yaml, and there is no other', {}, HOME_FILE, undefined],
    ['clouds.yaml, before another', { '/etc/openstack/clouds.yaml': CLOUD_A }, HOME_FILE, 'a'],
    ['secure.yaml', { [HOME_FILE]: CLOUD_A }, HOME_FILE.replace('clouds', 'secure'), 'a'],
    ['what OS_CLIENT_CONFIG_FILE names', { [HOME_FILE]: CLOUD_A }, '/mine.yaml', 'a'],
  ])('says that it cannot read %s', (_what, files, unreadable, name) => {
    const machine = fakeMachine(files, { OS_CLIENT_CONFIG_FILE: '/mine.yaml' });
    const readFile: typeof machine.readFile = (path) =>
      path === unreadable
        ? { kind: 'unreadable', what: 'cannot be read: permission denied', isThere: true }
        : machine.readFile(path);
    const told = [{ where: unreadable, what: 'cannot be read: permission denied', isThere: true }];
    const result = chooseCloud({}, { ...machine, readFile });
    if (result.kind === 'cloud') expect([result.cloud.name, result.unreadable]).toEqual([name, told]);
    else expect([name, result.problems.slice(1)]).toEqual([undefined, told]);
  });

  it('says of a folder that it may not look into only where it finds no cloud', () => {
    const machine = fakeMachine({ [HOME_FILE]: CLOUD_A });
    const readFile: typeof machine.readFile = (path) =>
      path.startsWith('/etc/openstack/')
        ? { kind: 'unreadable', what: 'cannot be read: permission denied', isThere: false }
        : machine.readFile(path);
    expect(chooseCloud({}, { ...machine, readFile })).toMatchObject({ kind: 'cloud', unreadable: [] });
    expect(chooseCloud({ cloud: 'b' }, { ...machine, readFile })).toMatchObject({
      problems: [{}, { where: '/etc/openstack/secure.yaml' }, {}, {}],
    });
  });

  it('does not survive a bomb of aliases', () => {
    const rows = Array.from(
      { length: 12 },
      (_, index) => `l${index}: &l${index} [${`*l${index - 1},`.repeat(9)}]`,
    );
    const text = `l: &l-1 [x]\n${rows.join('\n')}\nclouds: {a: {}}`;
    expect(problemsOf(text.replace(/\*l-1/g, '*l-1'))).toEqual([
      'clouds.yaml: has more aliases than any configuration',
    ]);
  });
});
