import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { accountId, expandTilde, homeOf, ownAccount, userOfTilde } from '../../../src/core/accounts.ts';

const { username, homedir, uid } = userInfo();

test('the account of whoever runs this', () => {
  expect(ownAccount()).toEqual({ userName: username, userId: uid, homeDirectory: homedir, isKnown: true });
});

test('homes of others are those of the system, and nobody else has one', () => {
  expect(homeOf(username)).toBe(homedir);
  for (const name of ['no-such-user', '', '--', '-h', '0', 'a b', '$(id)'])
    expect(homeOf(name), name).toBeUndefined();
});

/** Has this process be on a system whose programs are these alone. */
function beOn(platform: NodeJS.Platform, programs: Readonly<Record<string, string>>): void {
  const folder = mkdtempSync(join(tmpdir(), 'tshuttle-accounts-'));
  const own = { platform: process.platform, path: process.env['PATH'] };
  for (const [name, text] of Object.entries(programs))
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  Object.defineProperty(process, 'platform', { value: platform });
  process.env['PATH'] = folder;
  onTestFinished(() => {
    Object.defineProperty(process, 'platform', { value: own.platform });
    process.env['PATH'] = own.path;
    rmSync(folder, { recursive: true });
  });
}

test('macOS has no getent(1): id(1) and dscl(1) tell', () => {
  beOn('darwin', {
    id: 'case "$*" in "-P bob") echo "bob:********:502:20::0:0:Bob B:/Users/bob:/bin/zsh" ;; "-u bob") echo 502 ;; *) exit 1 ;; esac',
    dscl: '[ "$*" = "-q . -read /Groups/staff PrimaryGroupID" ] && echo "PrimaryGroupID: 20"',
  });
  expect([homeOf('bob'), homeOf('eve'), expandTilde('~bob/x', '/')]).toEqual([
    '/Users/bob',
    undefined,
    '/Users/bob/x',
  ]);
  expect([accountId('user', 'bob'), accountId('group', 'staff')]).toEqual([502, 20]);
});

test('getent(1) of BSD takes every word behind the database for a name', () => {
  const line = 'bob:*:1002:1002:Bob B:/home/bob:/bin/sh';
  beOn('freebsd', { getent: `[ "$*" = "passwd bob" ] && echo "${line}"` });
  expect([homeOf('bob'), homeOf('--'), homeOf('-s')]).toEqual(['/home/bob', undefined, undefined]);
});

test('Windows has none of them, and no program of such a name in this folder is run', () => {
  beOn('win32', { getent: 'echo "bob:*:1002:1002:Bob B:/home/bob:/bin/sh"', id: 'echo 7' });
  expect([homeOf('bob'), accountId('user', 'bob')]).toEqual([undefined, undefined]);
});

test.each([
  ['~', '/home/me'],
  ['~/', '/home/me/'],
  ['~/a', '/home/me/a'],
  ['~//a', '/home/me/a'],
  [`~${username}`, homedir],
  [`~${username}/a/b`, `${homedir}/a/b`],
  ['~no-such-user/a', '~no-such-user/a'],
  ['/a/~b', '/a/~b'],
  ['a~', 'a~'],
  ['', ''],
])('%j is %j', (path, expanded) => {
  expect(expandTilde(path, '/home/me')).toBe(expanded);
});

test.each([
  ['~me/x', 'me'],
  ['~me', 'me'],
  ['~/x', undefined],
  ['x', undefined],
])('the user in %j is %j', (path, user) => {
  expect(userOfTilde(path)).toBe(user);
});
