import { expect, it } from 'vitest';
import { callerIdOf, isProcessOf } from '../../../../src/intercept/root/caller.ts';

it.each([
  ['1000', 0, 1_000],
  ['0', 0, 0],
  [undefined, 0, 0],
  ['', 0, 0],
  ['-1', 0, 0],
  ['1000 ', 0, 0],
  ['99999999999', 0, 0],
  [undefined, undefined, -1],
])('of SUDO_UID %j and the user id %j the caller is %j', (sudoUserId, userId, caller) => {
  expect(callerIdOf(sudoUserId, userId)).toBe(caller);
});

it.each([
  ['1000\t1000\t1000\t1000', true],
  ['1001\t1001\t1001\t1001', false],
  // It runs a program with the set-user-ID bit; a program of root's has become the user's for a while.
  ['1000\t0\t0\t0', false],
  ['0\t1000\t0\t1000', false],
  ['1000', false],
])('a process with the user ids %j is one of the user 1000: %j', (ids, isHis) => {
  expect(isProcessOf(1_000, `Name:\tnode\nUid:\t${ids}\nGid:\t1000\t1000\t1000\t1000\n`)).toBe(isHis);
});
