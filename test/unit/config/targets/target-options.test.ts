import { describe, expect, test } from 'vitest';
import { profilesThrough } from '../../../../src/cli/commands/up-down/start-profiles.ts';
import { NOTHING_GIVEN, type RawOptions } from '../../../../src/config/options/table.ts';
import { loadGates, loadTargets } from '../../../../src/config/profiles/load-gates.ts';
import { loadProfile, loadProfiles } from '../../../../src/config/profiles/load-profiles.ts';
import { type GateSurroundings, mayHaveTarget } from '../../../../src/config/profiles/may-have-targets.ts';
import { withTarget } from '../../../../src/config/profiles/target-options.ts';

const ID = '5f0c1f4e-8a53-4c0b-9a2e-0d7f6a1b2c33';
const FILE = `
profiles:
  behind: {remote: web, subnets: [10.0.0.0/8]}
gates:
  cloud: {remote: "tunnel@gate.example:2222", identity: ~/gate}
targets:
  web: {gate: cloud, server: ${ID}, user: debian, identity: ~/id}
  db: {gate: cloud, server: 10.0.0.8, user: root}
  twin: {gate: cloud, server: c2b7d9aa-1d0e-4f6b-8f57-3f4e5a6b7c88, user: a}
  other: {gate: cloud, server: c2b7d9aa-1d0e-4f6b-8f57-3f4e5a6b7c88, user: b}
`;

const surroundings = (text: string) => ({
  configHome: undefined,
  homeDirectory: '/home/me',
  workingDirectory: '/work',
  readTrustedFile: (path: string) =>
    path === '/home/me/.config/tshuttle/config.yaml'
      ? ({ kind: 'text', text } as const)
      : ({ kind: 'missing' } as const),
  readTextFile: () => ({ kind: 'unreadable', what: 'is not there' }) as const,
  whyUnreadable: () => undefined,
});

function through(given: Partial<RawOptions>): RawOptions {
  return withTarget({ ...NOTHING_GIVEN, ...given }, loadTargets(surroundings(FILE)));
}

const WAY = "ProxyCommand=ssh -i '/home/me/gate' -o IdentitiesOnly=yes -p 2222 -W %h:%p tunnel@gate.example";

describe('a target as the bastion', () => {
  test.each(['web', ID, ID.toUpperCase()])('%s: goes by what its Host block says', (remote) => {
    expect(through({ remote: [remote] })).toEqual({
      ...NOTHING_GIVEN,
      remote: [`debian@${ID}`],
      identityFiles: ['/home/me/id'],
      sshOptions: [`HostName=${ID}`, `HostKeyAlias=${ID}`, 'IdentitiesOnly=yes', WAY],
    });
  });

  test('is filed under its own name where the server has no UUID', () => {
    expect(through({ remote: ['db'] })).toMatchObject({
      remote: ['root@db'],
      sshOptions: ['HostName=10.0.0.8', 'HostKeyAlias=db', WAY],
    });
  });

  test('what the user says goes before it', () => {
    const given = {
      remote: ['me@web'],
      identityFiles: ['/mine'],
      sshOptions: ['HostName=10.0.0.9'],
      jump: 'hop',
    };
    expect(through(given)).toMatchObject({
      remote: [`me@${ID}`],
      identityFiles: ['/mine', '/home/me/id'],
      sshOptions: ['HostName=10.0.0.9', `HostName=${ID}`, `HostKeyAlias=${ID}`, 'IdentitiesOnly=yes'],
    });
  });

  test.each(['web:22', 'elsewhere', 'me:hush@web', 'c2b7d9aa-1d0e-4f6b-8f57-3f4e5a6b7c88', '10.0.0.8'])(
    '%s is no target',
    (remote) => {
      expect(through({ remote: [remote] })).toEqual({ ...NOTHING_GIVEN, remote: [remote] });
    },
  );

  test('of a profile, too', () => {
    const { profiles, problems } = loadProfiles('all', surroundings(FILE));
    expect(problems).toEqual([]);
    expect(profiles[0]?.config).toMatchObject({
      remote: { user: 'debian', host: ID },
      identityFiles: ['/home/me/id'],
      sshOptions: [`HostName=${ID}`, `HostKeyAlias=${ID}`, 'IdentitiesOnly=yes', WAY],
    });
  });

  test('up --target takes the profiles whose bastion it is', () => {
    const started = (target: string, text = FILE) => {
      const { profiles, problems } = profilesThrough(target, [], surroundings(text));
      return { names: profiles.map(({ name }) => name), said: problems.map(({ what }) => what) };
    };
    const text = FILE.replace('profiles:', 'profiles:\n  office: {remote: me@office, subnets: [10.0.0.0/8]}');
    expect(started('web', text)).toEqual({ names: ['behind'], said: [] });
    expect(started('db').said).toEqual([
      'is the bastion of no profile; write one with remote: db into config.yaml',
    ]);
    expect(started('none').said).toEqual(['is not a target; tshuttle target list has them']);
  });

  test.each([
    ['web', true],
    ['root@web:22', true],
    [ID.toUpperCase(), true],
    ['we', false],
    ['eb', false],
    ['gate.example', false],
    ['tunnel', false],
    ['a b', false],
  ])('the file may have %s: %s', (remote, may) => {
    expect(mayHaveTarget(remote, surroundings(FILE))).toBe(may);
  });

  test('a file without targets has none, whatever it names', () => {
    expect(mayHaveTarget('web', surroundings('profiles:\n  web: {remote: web}\n'))).toBe(false);
  });

  test('a file that is wrong has none, and says why to whoever asks for gates', () => {
    const wrong = surroundings(`${FILE}\n  x: {gate: none, server: a, user: b}\n`);
    expect(loadTargets(wrong).size).toBe(0);
    expect(loadGates(wrong).problems).toMatchObject([
      { what: 'gate none is not one of gates:; there are cloud' },
    ]);
  });

  test('a profile of a project hears what is wrong with the file that its bastion may be a target of', () => {
    const project = `profiles: {far: {remote: web, subnets: [10.0.0.0/8]}, near: {remote: me@near, subnets: [10.0.0.0/8]}}\n`;
    const load = (name: string, own: ReturnType<GateSurroundings['readTrustedFile']>) => {
      const { problems, warnings } = loadProfile(name, '/work/.tshuttle.yaml', {
        ...surroundings(''),
        readTrustedFile: (path) => (path === '/work/.tshuttle.yaml' ? { kind: 'text', text: project } : own),
      });
      return { problems: problems.map(({ what }) => what), warnings: warnings.map(({ what }) => what) };
    };
    const wrong = `${FILE}\n  x: {gate: none, server: a, user: b}\n`;
    expect(load('far', { kind: 'text', text: FILE })).toEqual({ problems: [], warnings: [] });
    expect(load('far', { kind: 'text', text: wrong }).problems).toEqual([
      'gate none is not one of gates:; there are cloud',
    ]);
    expect(load('near', { kind: 'text', text: wrong })).toEqual({ problems: [], warnings: [] });
    expect(load('far', { kind: 'unreadable', what: 'cannot be read: EACCES' })).toEqual({
      problems: [],
      warnings: [
        'cannot be read: EACCES; whether web is a target is not known, so it is taken for a host of ssh',
      ],
    });
  });
});
