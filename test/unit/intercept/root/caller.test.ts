import { expect, it } from 'vitest';
import { callerIdOf } from '../../../../src/intercept/root/caller.ts';

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
