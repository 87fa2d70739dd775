import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nameserversOfWindows } from '../../src/dns/system/nameservers.ts';
import { candidatePaths } from '../../src/openstack/clouds/cloud-files.ts';
import { readTrust } from '../../src/openstack/https/trust.ts';
import { expandPath, type PathTokens } from '../../src/ssh/config/path-tokens.ts';
import { targetWithoutConfig } from '../../src/ssh/config/target-without-config.ts';
import { fakeMachine } from './openstack/fake-machine.ts';

/* On Windows every user may make \etc: what is trusted is not read there (native-notes/windows.md). */

const own = process.platform;
const ENVIRONMENT = { PROGRAMDATA: '/ProgramData' };
const PEM = '-----BEGIN CERTIFICATE-----';
const LOCAL = {
  userName: 'me',
  userId: 1000,
  homeDirectory: '/home/me',
  hostName: 'desk',
  environment: ENVIRONMENT,
};
const REQUEST = {
  host: 'gate',
  user: undefined,
  port: undefined,
  password: undefined,
  identityFiles: [],
  options: [],
};

function globalKnownHosts(): readonly string[] {
  return targetWithoutConfig(REQUEST, LOCAL).target.hostKeys.globalFiles;
}

function trusted(platform: NodeJS.Platform): boolean {
  const machine = { ...fakeMachine({ '/etc/ssl/cert.pem': PEM }), platform };
  return readTrust({ name: 'cloud', cacert: undefined }, machine).certificates !== undefined;
}

function siteFiles(platform: NodeJS.Platform): readonly string[] {
  const clients = ['openstacksdk', 'gophercloud-utils', 'gophercloud-v2'] as const;
  const paths = clients.flatMap((client) =>
    candidatePaths(client, 'clouds', { ...fakeMachine({}), platform }),
  );
  return paths.filter((path) => path.startsWith('/etc/openstack'));
}

describe('on Windows', () => {
  beforeEach(() => void Object.defineProperty(process, 'platform', { value: 'win32' }));
  afterEach(() => void Object.defineProperty(process, 'platform', { value: own }));

  test('no authority, no cloud and no host key is read below /etc', () => {
    expect(trusted('win32')).toBe(false);
    expect(siteFiles('win32')).toEqual([]);
    expect(globalKnownHosts()).toEqual(['/ProgramData/ssh/ssh_known_hosts']);
  });

  test('the known_hosts that ssh -G names is that of the machine, and none of this folder', () => {
    expect(expandPath('__PROGRAMDATA__\\ssh/ssh_known_hosts', {} as PathTokens, ENVIRONMENT)).toBe(
      '/ProgramData\\ssh/ssh_known_hosts',
    );
    expect(expandPath('__PROGRAMDATA__\\ssh/x', {} as PathTokens, {})).toBe('C:\\ProgramData\\ssh/x');
    expect(expandPath('/a/__PROGRAMDATA__/x', {} as PathTokens, {})).toBe('/a/__PROGRAMDATA__/x');
  });
});

test('elsewhere they are: only root may make them', () => {
  expect(trusted('linux')).toBe(true);
  expect(siteFiles('darwin')).toHaveLength(5);
  Object.defineProperty(process, 'platform', { value: 'linux' });
  expect(globalKnownHosts()).toEqual(['/etc/ssh/ssh_known_hosts']);
  Object.defineProperty(process, 'platform', { value: own });
});

test('the resolvers of Windows are those that Node.js names', () => {
  const servers = ['10.0.0.2', '10.0.0.3:5353', '[2001:db8::1]:5353', 'fe80::1%12', '2001:db8::2'];
  expect(nameserversOfWindows(servers)).toEqual([
    { address: '10.0.0.2', scope: undefined },
    { address: '10.0.0.3', scope: undefined },
    { address: '2001:db8::1', scope: undefined },
    { address: 'fe80::1', scope: '12' },
    { address: '2001:db8::2', scope: undefined },
  ]);
});
