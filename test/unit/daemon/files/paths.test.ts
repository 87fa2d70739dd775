import { expect, test } from 'vitest';
import type { Mode } from '../../../../src/config/config.ts';
import { controlFoldersOf, daemonPaths, fileNameOf } from '../../../../src/daemon/files/paths.ts';

/** Of the home folder below. */
const STATE = process.platform === 'win32' ? '/home/me/AppData/Local' : '/home/me/.local/state';

const surroundings = {
  runtimeDirectories: ['/run/user/1'],
  stateHome: undefined,
  homeDirectory: '/home/me',
};

function paths(
  remote: { user?: string; host: string; port?: number },
  pidFile?: string,
  changed: object = {},
) {
  const mode: Mode = { kind: 'daemon', pidFile };
  const whole = { user: remote.user, password: 'secret', host: remote.host, port: remote.port };
  const { pidFile: pid, logFile } = daemonPaths({ remote: whole, mode }, { ...surroundings, ...changed });
  return [pid, logFile];
}

test('are named after the bastion, without its password', () => {
  expect(paths({ user: 'me', host: 'bastion', port: 2222 })).toEqual([
    `${STATE}/tshuttle/me@bastion+2222.pid`,
    `${STATE}/tshuttle/me@bastion+2222.log`,
  ]);
});

test('names hold no path separators and no hidden files', () => {
  expect(paths({ user: '../../x', host: '2001:db8::1' })[0]?.replace(STATE, '')).toMatch(
    /^\/tshuttle\/__\.\._x@2001_db8__1-[0-9a-f]{12}\.pid$/,
  );
  expect(paths({ host: '2001:db8::1' })[0]).toBe(`${STATE}/tshuttle/2001_db8__1.pid`);
});

test.each([
  { what: 'begin alike', one: { host: `${'a'.repeat(110)}.one` }, other: { host: `${'a'.repeat(110)}.two` } },
  {
    what: 'differ in what no file name holds',
    one: { user: 'a b', host: 'h' },
    other: { user: 'a/b', host: 'h' },
  },
  { what: 'look like a port', one: { host: 'gate-2222' }, other: { host: 'gate', port: 2222 } },
  { what: 'begin with dots', one: { host: '..h' }, other: { host: '.h' } },
])(
  'two bastions whose names $what have files of their own, of a length that any file system takes',
  ({ one, other }) => {
    const [first = '', second = ''] = [one, other].map((remote) => paths(remote)[0]);
    expect(first).not.toBe(second);
    for (const path of [first, second]) expect(path.split('/').at(-1)!.length).toBeLessThan(120);
  },
);

test('a pidfile of its own names the log too', () => {
  expect(paths({ host: 'h' }, '/tmp/prod.pid')).toEqual(['/tmp/prod.pid', `${STATE}/tshuttle/prod.log`]);
});

test('relative XDG paths are ignored', () => {
  expect(paths({ host: 'h' }, undefined, { stateHome: 'relative' })[0]).toBe(`${STATE}/tshuttle/h.pid`);
  expect(paths({ host: 'h' }, undefined, { stateHome: '/state' })[1]).toBe('/state/tshuttle/h.log');
});

test('a control socket belongs into the first folder of the session, and is looked for in every one', () => {
  const folders = (changed: object) => controlFoldersOf({ ...surroundings, ...changed });
  expect(folders({ runtimeDirectories: ['/own', '/run/user/1'], stateHome: '/state' })).toEqual([
    '/own/tshuttle',
    '/run/user/1/tshuttle',
    '/state/tshuttle',
    `${STATE}/tshuttle`,
  ]);
  expect(folders({ runtimeDirectories: [] })).toEqual([`${STATE}/tshuttle`]);
});

test.each([
  ['linux', ['office', 'Office', 'OFFICE', 'nul', 'com1.office', 'a.'], 6],
  ['freebsd', ['office', 'Office', 'OFFICE', 'nul', 'com1.office', 'a.'], 6],
  ['darwin', ['office', 'Office', 'OFFICE', 'me@Bastion', 'me@bastion'], 1],
  ['win32', ['office', 'Office', 'nul', 'NUL', 'com1.office', 'a.', 'aux'], 1],
] as const)('on %s no two names are one file', (platform, names, asTheyAre) => {
  const own = process.platform;
  Object.defineProperty(process, 'platform', { value: platform });
  try {
    const files = names.map(fileNameOf);
    const isOneFor = (name: string): string =>
      ['linux', 'freebsd'].includes(platform) ? name : name.toLowerCase();
    expect(new Set(files.map(isOneFor)).size).toBe(names.length);
    expect(files.filter((file, index) => file === names[index]).length).toBeGreaterThanOrEqual(asTheyAre);
    for (const file of files) {
      if (platform === 'win32') expect(file).not.toMatch(/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)|\.$/i);
    }
  } finally {
    Object.defineProperty(process, 'platform', { value: own });
  }
});
