import { beforeAll, expect, test } from 'vitest';
import { configEffects } from '../../../../src/ssh/config/config-effects.ts';
import type { SshRequest } from '../../../../src/ssh/config/request.ts';
import { parseSshConfigOutput, type SshConfigOutput } from '../../../../src/ssh/config/ssh-config-output.ts';
import { targetFromConfig } from '../../../../src/ssh/config/target-from-config.ts';
import { mustRun } from '../../../support/process/child.ts';

const HOST = 'localhost';
const REQUEST: SshRequest = {
  host: HOST,
  user: undefined,
  port: undefined,
  password: undefined,
  identityFiles: [],
  options: [],
};
const LOCAL = { userName: 'me', userId: 1000, homeDirectory: '/home/me', hostName: 'desk', environment: {} };

/** What a user might have set, where the opposite of a switch will not do; `ssh -G` prints some of these only then. */
const SET: Readonly<Record<string, string>> = {
  hostname: 'other.example',
  port: '2222',
  user: 'somebody',
  addressfamily: 'inet6',
  bindaddress: '127.0.0.2',
  bindinterface: 'eth0',
  casignaturealgorithms: 'ssh-ed25519',
  certificatefile: '/certificate',
  ciphers: 'aes256-ctr',
  connecttimeout: '7',
  globalknownhostsfile: '/global',
  hostkeyalgorithms: 'ssh-ed25519',
  hostkeyalias: 'alias',
  identityagent: '/agent',
  identityfile: '/identity',
  ignoreunknown: 'Frobnicate',
  kexalgorithms: 'diffie-hellman-group14-sha256',
  knownhostscommand: '/bin/cat /known',
  localforward: '8080 [localhost]:80',
  macs: 'hmac-sha2-512',
  numberofpasswordprompts: '1',
  pkcs11provider: '/provider.so',
  preferredauthentications: 'password',
  proxycommand: 'nc %h %p',
  proxyjump: 'jump.example',
  pubkeyacceptedalgorithms: 'ssh-ed25519',
  requiredrsasize: '3000',
  revokedhostkeys: '/revoked',
  sendenv: 'LANG',
  serveralivecountmax: '9',
  serveraliveinterval: '9',
  setenv: 'TOKEN=secret',
  stricthostkeychecking: 'yes',
  userknownhostsfile: '/users',
};

/** `ssh -G` has done them when it prints them. */
const DONE_BY_SSH = /^canonical|^ignoreunknown$/;

/** `auto` takes ssh itself for them. */
const HANDED_OVER = ['bindinterface', 'pkcs11provider'];

let builtIn: SshConfigOutput;

beforeAll(async () => {
  builtIn = parseSshConfigOutput(await mustRun(['ssh', '-F', 'none', '-G', '--', HOST]));
});

/** What a target does, without what is only for an ssh that is started in its place. */
function behaviour(configured: SshConfigOutput): string {
  const { target, proxy } = targetFromConfig(REQUEST, configured, builtIn, LOCAL);
  return JSON.stringify({ ...target, openssh: undefined, proxy });
}

function otherThan(value: string | undefined): string {
  return value === 'yes' || value === 'true' ? 'no' : value === 'no' || value === 'false' ? 'yes' : '17';
}

test('no keyword that ssh on this machine knows is ignored in silence, and what is said to be used changes something', () => {
  const unset = behaviour(builtIn);
  const keywords = new Set([...builtIn.keys(), ...Object.keys(SET)]);
  // Which host was asked for.
  keywords.delete('host');
  expect(keywords.size).toBeGreaterThan(70);
  for (const keyword of keywords) {
    const value = SET[keyword] ?? otherThan(builtIn.get(keyword)?.[0]);
    const configured = new Map([...builtIn, [keyword, [value]]]);
    const told = Object.entries(configEffects(HOST, configured, builtIn)).filter(
      ([, list]) => list.length > 0,
    );
    expect(told, `${keyword} ${value} is told once`).toHaveLength(1);
    const isUsed = told[0]?.[0] === 'used';
    const does = behaviour(configured) !== unset || DONE_BY_SSH.test(keyword);
    expect(isUsed, `${keyword} ${value} is said to be used`).toBe(does);
    const { needs } = targetFromConfig(REQUEST, configured, builtIn, LOCAL).target.openssh;
    expect(needs.length > 0, `${keyword} ${value} is handed over`).toBe(HANDED_OVER.includes(keyword));
  }
});

test('a keyword of an ssh that is newer than we are is told as not used', () => {
  const configured = new Map([...builtIn, ['frobnicate', ['yes']]]);
  expect(configEffects(HOST, configured, builtIn)).toEqual({
    used: [],
    notUsed: ['frobnicate yes'],
    ofSshItself: [],
  });
});
