import { expect, test } from 'vitest';
import {
  type Candidate,
  chooseConnection,
  RecentBytes,
  wantsAnother,
} from '../../../../../src/ssh/ssh2/pool/choose-connection.ts';

const MEBIBYTE = 1024 * 1024;

const candidate = (channels: number, recentBytes = 0, capacity = Number.POSITIVE_INFINITY): Candidate => ({
  channels,
  recentBytes,
  capacity,
});

test.each([
  { title: 'the fewest channels', candidates: [candidate(3), candidate(1), candidate(2)], chosen: 1 },
  { title: 'the first of equals', candidates: [candidate(1), candidate(1)], chosen: 0 },
  {
    title: 'away from bulk, even to more channels',
    candidates: [candidate(1, 5 * MEBIBYTE), candidate(40, 1000)],
    chosen: 1,
  },
  {
    title: 'all carry bulk: the fewest channels',
    candidates: [candidate(9, 2 * MEBIBYTE), candidate(8, 90 * MEBIBYTE)],
    chosen: 1,
  },
  { title: 'not where it is full', candidates: [candidate(1, 0, 1), candidate(1000)], chosen: 1 },
  { title: 'room again', candidates: [candidate(99, 0, 100), candidate(1000)], chosen: 0 },
  { title: 'no room anywhere', candidates: [candidate(1, 0, 1), candidate(2, 0, 2)], chosen: undefined },
])('a new flow: $title', ({ candidates, chosen }) => {
  expect(chooseConnection(candidates)).toBe(chosen);
});

test('one more connection is wanted while each of those there is has a flow', () => {
  expect(wantsAnother([candidate(0)])).toBe(false);
  expect(wantsAnother([candidate(1)])).toBe(true);
  expect(wantsAnother([candidate(1), candidate(0)])).toBe(false);
});

test('what was moved lately fades by half a second after second', () => {
  const recent = new RecentBytes(0);
  expect(recent.update(1000, 0)).toBe(1000);
  expect(recent.update(1000, 1000)).toBe(500);
  expect(recent.update(1100, 2000)).toBeCloseTo(250 + 100 * 0.7213, 1);
  expect(recent.update(1100 + 100 * MEBIBYTE, 602_000)).toBeLessThan(MEBIBYTE);
});
