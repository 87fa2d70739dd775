import { expect, test } from 'vitest';
import type { Mode } from '../../../src/config/config.ts';
import { controlFoldersOf, daemonPaths } from '../../../src/daemon/paths.ts';

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
    '/home/me/.local/state/tshuttle/me@bastion-2222.pid',
    '/home/me/.local/state/tshuttle/me@bastion-2222.log',
  ]);
});

test('names hold no path separators and no hidden files', () => {
  expect(paths({ user: '../../x', host: '2001:db8::1' })[0]).toBe(
    '/home/me/.local/state/tshuttle/__.._x@2001_db8__1.pid',
  );
});

test('a pidfile of its own names the log too', () => {
  expect(paths({ host: 'h' }, '/tmp/prod.pid')).toEqual([
    '/tmp/prod.pid',
    '/home/me/.local/state/tshuttle/prod.log',
  ]);
});

test('relative XDG paths are ignored', () => {
  expect(paths({ host: 'h' }, undefined, { stateHome: 'relative' })[0]).toBe(
    '/home/me/.local/state/tshuttle/h.pid',
  );
  expect(paths({ host: 'h' }, undefined, { stateHome: '/state' })[1]).toBe('/state/tshuttle/h.log');
});

test('a control socket belongs into the first folder of the session, and is looked for in every one', () => {
  const folders = (changed: object) => controlFoldersOf({ ...surroundings, ...changed });
  expect(folders({ runtimeDirectories: ['/own', '/run/user/1'], stateHome: '/state' })).toEqual([
    '/own/tshuttle',
    '/run/user/1/tshuttle',
    '/state/tshuttle',
    '/home/me/.local/state/tshuttle',
  ]);
  expect(folders({ runtimeDirectories: [] })).toEqual(['/home/me/.local/state/tshuttle']);
});
