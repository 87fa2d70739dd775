import { describe, expect, test } from 'vitest';
import { decodePeer } from '../../../../src/net/native/peer.ts';

/*
 * What each system answers, as its headers have it (native-notes/peer-credentials.md), on little-endian machines of 64 bits.
 */

const LAYOUTS = {
  // pid 4242, uid 501, gid 20
  linux: '92100000 f5010000 14000000',
  // version 0, uid 501, 2 groups and padding, 16 groups
  darwin: `00000000 f5010000 02000000 14000000 0c000000 ${'00000000'.repeat(14)}`,
  // the same, padding to a multiple of 8, and a union of a pointer and the pid
  freebsd: `00000000 f5010000 02000000 14000000 0c000000 ${'00000000'.repeat(14)} 00000000 92100000 00000000`,
  // uid, gid, pid
  openbsd: 'f5010000 14000000 92100000',
} as const;

const bytesOf = (hexadecimal: string): Buffer => Buffer.from(hexadecimal.replaceAll(' ', ''), 'hex');

describe('the peer of a unix socket', () => {
  test.each([
    ['linux', 12, 4242],
    ['darwin', 76, undefined],
    ['freebsd', 88, 4242],
    ['openbsd', 12, 4242],
  ] as const)('%s tells it in %i bytes', (platform, length, pid) => {
    const answer = bytesOf(LAYOUTS[platform]);
    expect(answer.length).toBe(length);
    expect(decodePeer(platform, answer)).toEqual({ userId: 501, pid });
  });

  test('FreeBSD before 13.0 has no process id there', () => {
    const answer = bytesOf(LAYOUTS.freebsd);
    answer.writeUInt32LE(0, 80);
    expect(decodePeer('freebsd', answer)).toEqual({ userId: 501, pid: undefined });
  });

  test.each(['darwin', 'freebsd'] as const)(
    'a struct of another version of %s is not guessed at',
    (platform) => {
      const answer = bytesOf(LAYOUTS[platform]);
      answer.writeUInt32LE(1, 0);
      expect(decodePeer(platform, answer)).toBeUndefined();
    },
  );

  test('a short answer, and a system of which nothing is known, tell of nobody', () => {
    for (const platform of ['linux', 'darwin', 'freebsd', 'openbsd'] as const) {
      expect(decodePeer(platform, bytesOf(LAYOUTS[platform]).subarray(0, 8))).toBeUndefined();
    }
    for (const platform of ['win32', 'aix']) expect(decodePeer(platform, Buffer.alloc(88))).toBeUndefined();
  });
});
