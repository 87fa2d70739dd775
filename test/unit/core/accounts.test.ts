import { userInfo } from 'node:os';
import { expect, test } from 'vitest';
import { expandTilde, homeOf, ownAccount, userOfTilde } from '../../../src/core/accounts.ts';

const { username, homedir, uid } = userInfo();

test('the account of whoever runs this', () => {
  expect(ownAccount()).toEqual({ userName: username, userId: uid, homeDirectory: homedir, isKnown: true });
});

test('homes of others are those of the system, and nobody else has one', () => {
  expect(homeOf(username)).toBe(homedir);
  for (const name of ['no-such-user', '', '--', '-h', '0', 'a b', '$(id)'])
    expect(homeOf(name), name).toBeUndefined();
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
