import { describe, expect, it } from 'vitest';
import { chooseCloud } from '../../../../src/openstack/clouds/choose-cloud.ts';
import { describeDisagreement, disagreements } from '../../../../src/openstack/clouds/other-clients.ts';
import { fakeMachine, HOME_FILE } from '../fake-machine.ts';

const file = (url: string, rest = ''): string => `clouds: {a: {auth: {auth_url: '${url}'}${rest}}}`;
const A = 'https://a.example:5000/v3';
const B = 'https://b.example:5000/v3';
const SECURE = `clouds: {a: {auth: {auth_url: '${B}'}}}`;

const UTILS = 'Terraform (gophercloud/utils)';
const V2 = 'gophercloud v2 (config/clouds)';
const COMMAND = 'the openstack command';

const CASES: ReadonlyArray<{
  readonly what: string;
  readonly files: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly expected: readonly string[];
}> = [
  { what: 'one file for all', files: { [HOME_FILE]: file(A) }, environment: { OS_CLOUD: 'a' }, expected: [] },
  {
    what: 'OS_AUTH_URL beside OS_CLOUD',
    files: { [HOME_FILE]: file(A) },
    environment: { OS_CLOUD: 'a', OS_AUTH_URL: B },
    expected: [`${COMMAND} takes another auth_url, b.example:5000 (OS_AUTH_URL)`],
  },
  {
    what: 'a path that differs leads to the same place',
    files: { [HOME_FILE]: file(A) },
    environment: { OS_CLOUD: 'a', OS_AUTH_URL: 'https://a.example:5000/' },
    expected: [],
  },
  {
    what: 'OS_* alone',
    files: {},
    environment: { OS_AUTH_URL: A, OS_USERNAME: 'u' },
    expected: [`${V2} takes no auth_url: it needs OS_CLOUD`],
  },
  {
    what: 'secure.yaml with another auth_url',
    files: { [HOME_FILE]: file(A), '/home/me/.config/openstack/secure.yaml': SECURE },
    environment: { OS_CLOUD: 'a' },
    expected: [`${V2} takes another auth_url, a.example:5000 (${HOME_FILE}:1:31)`],
  },
  {
    what: 'OS_CLIENT_CONFIG_FILE that is not there',
    files: { [HOME_FILE]: file(A) },
    environment: { OS_CLOUD: 'a', OS_CLIENT_CONFIG_FILE: '/none.yaml' },
    expected: [`${V2} takes no auth_url: there is none of /none.yaml`],
  },
  {
    what: 'XDG_CONFIG_HOME',
    files: { '/xdg/openstack/clouds.yaml': file(A) },
    environment: { OS_CLOUD: 'a', XDG_CONFIG_HOME: '/xdg' },
    expected: [
      `${UTILS} takes no auth_url: there is none of /work/clouds.yaml, ${HOME_FILE}, /etc/openstack/clouds.yaml`,
    ],
  },
  {
    what: '.yml',
    files: { '/work/clouds.yml': file(A), [HOME_FILE]: file(B) },
    environment: { OS_CLOUD: 'a' },
    expected: [
      `${UTILS} takes another auth_url, b.example:5000 (${HOME_FILE}:1:31)`,
      `${V2} takes another auth_url, b.example:5000 (${HOME_FILE}:1:31)`,
    ],
  },
  {
    what: 'a profile that is built into openstacksdk alone',
    files: { [HOME_FILE]: 'clouds: {a: {profile: ovh}}' },
    environment: { OS_CLOUD: 'a' },
    expected: [
      `${UTILS} takes no auth_url: the profile ovh is in no clouds-public.yaml that it reads`,
      `${V2} takes no auth_url: the cloud a has no auth_url in ${HOME_FILE}`,
    ],
  },
  {
    what: 'OS_REGION_NAME that the cloud has not',
    files: { [HOME_FILE]: file(A, ', regions: [one]') },
    environment: { OS_CLOUD: 'a', OS_REGION_NAME: 'two' },
    expected: [`${COMMAND} takes no auth_url: OS_REGION_NAME is two, a region that the cloud a has not`],
  },
];

describe('clients that go elsewhere', () => {
  it.each(CASES)('$what', ({ files, environment, expected }) => {
    const machine = fakeMachine(files, environment);
    const result = chooseCloud({}, machine);
    if (result.kind !== 'cloud') throw new Error(JSON.stringify(result));
    expect(disagreements(result.cloud, machine).map(describeDisagreement)).toEqual(expected);
  });
});
