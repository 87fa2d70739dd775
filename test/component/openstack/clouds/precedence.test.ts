import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { formatHostPort } from '../../../../src/net/address/endpoint.ts';
import { type Cloud, chooseCloud } from '../../../../src/openstack/clouds/choose-cloud.ts';
import type { Layer } from '../../../../src/openstack/clouds/layers.ts';
import { disagreements } from '../../../../src/openstack/clouds/other-clients.ts';
import { authenticationBody } from '../../../../src/openstack/keystone/authentication-body.ts';
import { readCatalog } from '../../../../src/openstack/keystone/catalog.ts';
import { readCredentials } from '../../../../src/openstack/keystone/credentials.ts';
import { surroundingsIn } from '../../../support/clients/cloud-surroundings.ts';
import { openstackClient } from '../../../support/lab/requirements.ts';
import {
  A,
  CATALOG,
  type CloudCase,
  cloud,
  clouds,
  ENVIRONMENT,
  HOME_FILE,
  OF_USER,
  SCOPE_CASES,
  SECRETS,
  SERVICE_CASES,
} from './cloud-cases.ts';

/*
 * Every case is asked of openstacksdk itself, and of the openstack command's own configuration class.
 */

const B = 'https://b.example:5000/v3';

const CASES: readonly CloudCase[] = [
  ...SERVICE_CASES,
  ...SCOPE_CASES,
  { what: 'the only cloud', files: { [HOME_FILE]: clouds(cloud('a')) }, authUrl: A },
  {
    what: 'two clouds, none chosen',
    files: { [HOME_FILE]: clouds(cloud('a'), cloud('b')) },
    authUrl: undefined,
  },
  {
    what: 'OS_CLOUD',
    files: { [HOME_FILE]: clouds(cloud('a'), cloud('b')) },
    environment: { OS_CLOUD: 'b' },
    authUrl: B,
  },
  {
    what: 'a name before OS_CLOUD',
    files: { [HOME_FILE]: clouds(cloud('a'), cloud('b')) },
    environment: { OS_CLOUD: 'b' },
    cloud: 'a',
    authUrl: A,
  },
  {
    what: 'a name that is not there',
    files: { [HOME_FILE]: clouds(cloud('a')) },
    environment: { OS_CLOUD: 'c' },
    authUrl: undefined,
  },
  { what: 'nothing at all', files: {}, authUrl: undefined },
  {
    what: 'the working directory before the home folder',
    files: { 'work/clouds.yaml': clouds(cloud('a')), [HOME_FILE]: clouds(cloud('b')) },
    authUrl: A,
  },
  {
    what: 'no merging between folders',
    files: { 'work/clouds.yaml': clouds(cloud('a')), [HOME_FILE]: clouds(cloud('b')) },
    environment: { OS_CLOUD: 'b' },
    authUrl: undefined,
  },
  {
    what: '.yaml before .yml before .json',
    files: { 'work/clouds.yml': clouds(cloud('a')), 'work/clouds.json': '{}' },
    authUrl: A,
  },
  {
    what: 'JSON',
    files: {
      'work/clouds.json': JSON.stringify({
        clouds: { a: { auth: { auth_url: A, username: 'u', password: 'p', project_name: 'p' } } },
      }),
    },
    authUrl: A,
  },
  {
    what: 'OS_CLIENT_CONFIG_FILE',
    files: { 'other.yaml': clouds(cloud('a')), 'work/clouds.yaml': clouds(cloud('b')) },
    environment: { OS_CLIENT_CONFIG_FILE: '$ROOT/other.yaml' },
    authUrl: A,
  },
  {
    what: 'OS_CLIENT_CONFIG_FILE that is not there',
    files: { 'work/clouds.yaml': clouds(cloud('b')) },
    environment: { OS_CLIENT_CONFIG_FILE: '$ROOT/none.yaml' },
    authUrl: B,
  },
  {
    what: 'XDG_CONFIG_HOME before ~/.config',
    files: { 'elsewhere/openstack/clouds.yaml': clouds(cloud('a')), [HOME_FILE]: clouds(cloud('b')) },
    environment: { XDG_CONFIG_HOME: '$ROOT/elsewhere' },
    authUrl: A,
  },
  {
    what: '~/.config although XDG_CONFIG_HOME is elsewhere',
    files: { [HOME_FILE]: clouds(cloud('b')) },
    environment: { XDG_CONFIG_HOME: '$ROOT/elsewhere' },
    authUrl: B,
  },
  { what: 'XDG_CONFIG_DIRS', files: { 'xdg/openstack/clouds.yaml': clouds(cloud('a')) }, authUrl: A },
  {
    what: 'two XDG_CONFIG_DIRS, of which none is read',
    files: { 'xdg/openstack/clouds.yaml': clouds(cloud('a')) },
    environment: { XDG_CONFIG_DIRS: '$ROOT/xdg:$ROOT/other' },
    authUrl: undefined,
  },
  {
    what: 'secure.yaml over clouds.yaml',
    files: {
      [HOME_FILE]: clouds(cloud('a')),
      'home/.config/openstack/secure.yaml': `clouds: {a: {auth: {auth_url: '${B}'}}}`,
    },
    authUrl: B,
  },
  {
    what: 'secure.yaml of another folder',
    files: { [HOME_FILE]: clouds(cloud('a')), 'work/secure.yaml': `clouds: {a: {auth: {auth_url: '${B}'}}}` },
    authUrl: B,
  },
  {
    what: 'OS_CLIENT_SECURE_FILE',
    files: {
      [HOME_FILE]: clouds(cloud('a')),
      'work/secure.yaml': 'clouds: {a: {}}',
      'hidden.yaml': `clouds: {a: {auth: {auth_url: '${B}'}}}`,
    },
    environment: { OS_CLIENT_SECURE_FILE: '$ROOT/hidden.yaml' },
    authUrl: B,
  },
  {
    what: 'a cloud of secure.yaml alone',
    files: { [HOME_FILE]: clouds(cloud('a')), 'work/secure.yaml': clouds(cloud('b')) },
    environment: { OS_CLOUD: 'b' },
    authUrl: B,
  },
  {
    what: 'OS_AUTH_URL without a cloud',
    files: {},
    environment: { ...OF_USER, OS_AUTH_URL: ENVIRONMENT },
    authUrl: ENVIRONMENT,
  },
  {
    what: 'OS_AUTH_URL beside one cloud',
    files: { [HOME_FILE]: clouds(cloud('a')) },
    environment: { ...OF_USER, OS_AUTH_URL: ENVIRONMENT },
    authUrl: ENVIRONMENT,
  },
  {
    what: 'OS_CLOUD and OS_AUTH_URL',
    files: { [HOME_FILE]: clouds(cloud('a')) },
    environment: { OS_CLOUD: 'a', OS_AUTH_URL: ENVIRONMENT },
    authUrl: A,
    ofCommandLine: ENVIRONMENT,
  },
  {
    what: 'the cloud of the environment by its name',
    files: { [HOME_FILE]: clouds(cloud('a')) },
    environment: { ...OF_USER, OS_CLOUD: 'envvars', OS_AUTH_URL: ENVIRONMENT },
    authUrl: ENVIRONMENT,
  },
  {
    what: 'any variable makes a cloud of the environment',
    files: { [HOME_FILE]: clouds(cloud('a')) },
    environment: { OS_CACERT: '/ca.pem' },
    authUrl: undefined,
  },
  {
    what: 'OS_REGION_NAME alone makes none',
    files: { [HOME_FILE]: clouds(cloud('a')) },
    environment: { OS_REGION_NAME: 'r' },
    authUrl: A,
  },
  {
    what: 'OS_CLOUD_NAME that is in the file',
    files: { [HOME_FILE]: clouds(cloud('a'), cloud('envvars')) },
    environment: { OS_CLOUD: 'a' },
    authUrl: undefined,
  },
  {
    what: 'clouds-public.yaml',
    files: {
      [HOME_FILE]: clouds(cloud('a', '    profile: vendor\n', '')),
      'work/clouds-public.yaml': `public-clouds: {vendor: {auth: {auth_url: '${B}'}, region_name: far}}`,
    },
    authUrl: B,
    region: 'far',
  },
  {
    what: 'the cloud before its profile',
    files: {
      [HOME_FILE]: clouds(cloud('a', '    profile: vendor\n')),
      'work/clouds-public.yaml': `public-clouds: {vendor: {auth: {auth_url: '${B}'}}}`,
    },
    authUrl: A,
  },
  {
    what: 'clouds-public.yaml before what is built in',
    files: {
      [HOME_FILE]: clouds(cloud('a', '    profile: ovh\n', '')),
      'work/clouds-public.yaml': `public-clouds: {ovh: {auth: {auth_url: '${B}'}}}`,
    },
    authUrl: B,
  },
  {
    what: 'cloud: in place of profile:',
    files: { [HOME_FILE]: clouds(cloud('a', '    cloud: ovh\n', '')) },
    authUrl: 'https://auth.cloud.ovh.net/',
    region: 'BHS',
  },
  {
    what: 'a profile that nobody knows',
    files: { [HOME_FILE]: clouds(cloud('a', '    profile: nobody\n', '')) },
    authUrl: undefined,
  },
  {
    what: 'a region in the auth_url',
    files: {
      [HOME_FILE]: clouds(cloud('a', '    region_name: north\n', 'https://{region_name}.example/v3')),
    },
    authUrl: 'https://north.example/v3',
    region: 'north',
  },
  {
    what: 'the first of regions, with values of its own',
    files: {
      [HOME_FILE]: clouds(
        cloud('a', `    regions: [{name: one, values: {auth: {auth_url: '${B}'}}}, two]\n`),
      ),
    },
    authUrl: B,
    region: 'one',
  },
  {
    what: 'OS_REGION_NAME chooses for the command alone',
    files: {
      [HOME_FILE]: clouds(cloud('a', '    regions: [one, two]\n', 'https://{region_name}.example/v3')),
    },
    environment: { OS_CLOUD: 'a', OS_REGION_NAME: 'two' },
    authUrl: 'https://one.example/v3',
    ofCommandLine: 'https://two.example/v3',
    region: 'one',
  },
  {
    what: 'auth_url outside of auth',
    files: { [HOME_FILE]: clouds(cloud('a', `    auth_url: '${B}'\n`, '')) },
    authUrl: B,
  },
  {
    what: 'interface',
    files: { [HOME_FILE]: clouds(cloud('a', '    interface: internal\n')) },
    authUrl: A,
    interface: 'internal',
  },
  {
    what: 'endpoint_type',
    files: { [HOME_FILE]: clouds(cloud('a', '    endpoint_type: internal\n')) },
    authUrl: A,
    interface: 'internal',
  },
  {
    what: 'cacert',
    files: { [HOME_FILE]: clouds(cloud('a', '    cacert: ca.pem\n')) },
    authUrl: A,
    cacert: 'ca.pem',
  },
  {
    what: 'verify: no',
    files: { [HOME_FILE]: clouds(cloud('a', '    verify: no\n')) },
    authUrl: A,
    isInsecure: true,
  },
  {
    what: 'an alias',
    files: { [HOME_FILE]: `defaults: &d {auth_url: '${B}', ${SECRETS}}\nclouds: {a: {auth: *d}}` },
    authUrl: B,
  },
  {
    what: 'a merge key',
    files: { [HOME_FILE]: `defaults: &d {auth_url: '${B}', ${SECRETS}}\nclouds: {a: {auth: {<<: *d}}}` },
    authUrl: B,
  },
  {
    what: 'a key that stands twice',
    files: { [HOME_FILE]: `clouds: {a: {auth: {auth_url: '${A}', auth_url: '${B}', ${SECRETS}}}}` },
    authUrl: B,
  },
  {
    what: 'hyphens for underscores',
    files: { [HOME_FILE]: `clouds: {a: {auth: {auth-url: '${B}', ${SECRETS}}}}` },
    authUrl: B,
  },
];

interface Answer {
  readonly authUrl?: string | null;
  readonly region?: string | null;
  readonly interface?: string | readonly string[] | null;
  readonly cacert?: string | null;
  readonly isInsecure?: boolean;
  /** The URL of each service of the catalog. */
  readonly places?: Readonly<Record<string, string>>;
  /** What a token is asked for with. */
  readonly body?: unknown;
  readonly error?: string;
}

const listOf = (interfaces: Answer['interface']): readonly string[] =>
  [interfaces ?? []].flat().map((name) => name.replace(/URL$/, ''));

/** `host:port` of each service. */
function placesOf(urls: Answer['places'] = {}): readonly string[] {
  const places = Object.values(urls).map((url) => {
    const { hostname, port, protocol } = new URL(url);
    return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
  });
  return [...new Set(places)].sort();
}

function ourPlaces({ interfaces, region, services }: Cloud): readonly string[] {
  const catalog = readCatalog(CATALOG, { interfaces, region, services });
  if (catalog.kind === 'invalid') return [];
  return catalog.places.map(({ host, port }) => formatHostPort(host, port)).sort();
}

function ourBody(taken: Cloud, layers: readonly Layer[]): object | undefined {
  const found = readCredentials(taken, layers, {});
  if (found.kind === 'none' || found.credentials.kind === 'token') return undefined;
  return authenticationBody(found.credentials);
}

test('there are many cases', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(60);
  expect(new Set(CASES.map(({ what }) => what)).size).toBe(CASES.length);
});

describe.skipIf(openstackClient === undefined)('the cloud that is taken', () => {
  const root = mkdtempSync(join(tmpdir(), 'tshuttle-clouds-'));
  const answers = new Map<string, { readonly sdk: Answer; readonly commandLine: Answer }>();
  const folderOf = (index: number): string => join(root, String(index));
  const environmentOf = ({ environment = {} }: CloudCase, folder: string): Record<string, string> => ({
    XDG_CONFIG_DIRS: `${folder}/xdg`,
    ...Object.fromEntries(
      Object.entries(environment).map(([name, text]) => [name, text.replaceAll('$ROOT', folder)]),
    ),
    HOME: `${folder}/home`,
  });

  beforeAll(() => {
    const lines = CASES.map((one, index) => {
      const folder = folderOf(index);
      for (const name of ['work', 'home']) mkdirSync(join(folder, name), { recursive: true });
      for (const [path, text] of Object.entries(one.files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      return JSON.stringify({
        environment: environmentOf(one, folder),
        folder: `${folder}/work`,
        cloud: one.cloud,
        catalog: CATALOG,
        asks: one.asksWith !== undefined,
      });
    });
    const output = execFileSync(openstackClient!.python, ['test/support/clients/openstack-choices.py'], {
      input: `${lines.join('\n')}\n`,
      encoding: 'utf8',
    });
    for (const [index, line] of output.trim().split('\n').entries())
      answers.set(CASES[index]!.what, JSON.parse(line));
  }, 60_000);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it.each(CASES.map((one, index) => ({ ...one, index })))('$what', (one) => {
    const { sdk, commandLine } = answers.get(one.what)!;
    const expected = one.authUrl;
    expect(sdk.authUrl ?? undefined, sdk.error).toBe(expected);
    const folder = folderOf(one.index);
    const surroundings = surroundingsIn(`${folder}/home`, `${folder}/work`, environmentOf(one, folder));
    const result = chooseCloud({ cloud: one.cloud }, surroundings);
    if (expected === undefined) {
      expect(result.kind).toBe('problems');
      return;
    }
    if (result.kind !== 'cloud') throw new Error(JSON.stringify(result));
    const { cloud: taken } = result;
    expect(taken.authUrl.url.href).toBe(new URL(expected!).href);
    expect(taken).toMatchObject({
      region: sdk.region ?? undefined,
      isInsecure: sdk.isInsecure,
    });
    // Names that no interface has lead nowhere.
    const isInterface = (name: string): boolean => ['public', 'internal', 'admin'].includes(name);
    expect(taken.interfaces).toEqual(listOf(sdk.interface).filter(isInterface));
    if (sdk.region === 'one') expect(ourPlaces(taken)).toEqual(placesOf(sdk.places));
    if (one.asksWith === 'nothing') {
      expect(sdk.body).toHaveProperty('error');
      expect(ourBody(taken, result.layers)).toBeUndefined();
    } else if (one.asksWith !== undefined) expect(ourBody(taken, result.layers)).toEqual(sdk.body);

    expect(taken.cacert ?? null).toBe(sdk.cacert ?? null);
    if (one.region !== undefined) expect(taken.region).toBe(one.region);
    if (one.interface !== undefined) expect(taken.interfaces).toEqual([one.interface]);
    if (one.cacert !== undefined) expect(taken.cacert).toBe(one.cacert);
    if (one.isInsecure !== undefined) expect(taken.isInsecure).toBe(one.isInsecure);

    const other = disagreements(taken, surroundings).find(({ client }) => client === 'the openstack command');
    expect(commandLine.authUrl, commandLine.error).toBe(one.ofCommandLine ?? expected);
    const ours =
      other === undefined
        ? taken.authUrl.url.href
        : other.take.kind === 'auth-url'
          ? other.take.authUrl.url.href
          : undefined;
    expect(ours).toBe(new URL(commandLine.authUrl!).href);
  });
});
