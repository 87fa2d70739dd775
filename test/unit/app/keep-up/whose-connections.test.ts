import { expect, test } from 'vitest';
import { mayCompete } from '../../../../src/app/keep-up/whose-connections.ts';

test.each<readonly [one: string | null, other: string | null, competes: boolean]>([
  [null, null, true],
  [null, 'user alice', true],
  ['user alice', 'user alice', true],
  ['user alice', 'user bob', false],
  ['user alice or carol', 'user bob or carol', true],
  ['user 1001', 'user alice', true],
  ['user 1001', 'user 1002', false],
  // alice may run as that group.
  ['user alice', 'group staff', true],
  ['user alice, group staff', 'user alice, group dev', false],
  ['user alice, group staff', 'group dev or staff', true],
  ['control group system.slice', 'control group system.slice/backup.service', true],
  ['control group system.slice', 'control group system.slice-other', false],
  ['control group a', 'user alice', true],
])('%s beside %s: %s', (one, other, competes) => {
  expect(mayCompete({ programs: one }, { programs: other })).toBe(competes);
  expect(mayCompete({ programs: other }, { programs: one })).toBe(competes);
});

test('in different network namespaces nothing competes', () => {
  const blue = { programs: null, namespace: 'the network namespace blue' };
  expect(mayCompete(blue, { programs: null, namespace: null })).toBe(false);
  expect(mayCompete(blue, blue)).toBe(true);
  // A version of before tells of none.
  expect(mayCompete({ programs: null }, { programs: null, namespace: null })).toBe(true);
});
