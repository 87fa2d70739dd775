import { expect, test } from 'vitest';
import { whyNoSecret } from '../../../../../src/config/parse/files/secret-file.ts';

const USER = { userId: 1000, sudoUserId: undefined };
const ROOT = { userId: 0, sudoUserId: undefined };
const SUDO = { userId: 0, sudoUserId: 1000 };

test.each([
  ['its own', { uid: 1000, mode: 0o100600 }, USER],
  ['its own, read only', { uid: 1000, mode: 0o100400 }, USER],
  ['the pipe of <(command)', { uid: 1000, mode: 0o010600 }, USER],
  ["root's, for the group of a service's user", { uid: 0, mode: 0o100640 }, USER],
  ["root's, by an access list, as systemd's credentials", { uid: 0, mode: 0o100440 }, USER],
  ["root's own", { uid: 0, mode: 0o100600 }, ROOT],
  ["the user's under sudo", { uid: 1000, mode: 0o100600 }, SUDO],
])('%s is a secret', (_what, status, owners) => {
  expect(whyNoSecret(status, owners)).toBeUndefined();
});

test.each([
  ['readable by all', { uid: 1000, mode: 0o100644 }, USER, /mode 0644/],
  ['readable by a group', { uid: 1000, mode: 0o100640 }, USER, /mode 0640/],
  ['writable by all', { uid: 1000, mode: 0o100602 }, USER, /mode 0602/],
  ["root's, readable by all", { uid: 0, mode: 0o100644 }, USER, /mode 0644/],
  ["root's, writable by a group", { uid: 0, mode: 0o100660 }, USER, /mode 0660/],
  ["root's own, readable by a group", { uid: 0, mode: 0o100640 }, ROOT, /mode 0640/],
  ["another user's", { uid: 1001, mode: 0o100600 }, USER, /another user \(1001\)/],
  ["another user's, for root", { uid: 1001, mode: 0o100600 }, SUDO, /another user \(1001\)/],
])('%s is none', (_what, status, owners, why) => {
  expect(whyNoSecret(status, owners)).toMatch(why);
});
