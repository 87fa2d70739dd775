import { expect, test } from 'vitest';
import { encodeString, encodeUint32 } from '../../../../../src/ssh/keys/wire.ts';
import { MessageLimits } from '../../../../../src/ssh/ssh2/internals/message-limits.ts';

const [KEXINIT, NEWKEYS, GEX_GROUP, FAILURE, SUCCESS, BANNER, INFO_REQUEST] = [
  20, 21, 31, 51, 52, 53, 60,
] as const;
const message = (type: number, ...fields: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.of(type), ...fields]);

/** A bastion after its first key exchange, whom one attempt to log in waits for. */
function connection() {
  const state = { attempts: 1, requests: 0, movedBytes: 0, nowMs: 1_000 };
  const limits = new MessageLimits({
    pendingAuthentications: () => state.attempts,
    pendingRequests: () => state.requests,
    isChannel: () => false,
    isGroupExchange: () => true,
    movedBytes: () => state.movedBytes,
    nowMs: () => state.nowMs,
  });
  limits.mayBeTaken(message(KEXINIT));
  limits.mayBeTaken(message(NEWKEYS));
  return { limits, state };
}

function loggedIn() {
  const made = connection();
  expect(made.limits.mayBeTaken(message(SUCCESS))).toBe(true);
  return made;
}

/** How many of a message pass before the connection is given up. */
function countUntilCut(limits: MessageLimits, payload: Buffer): number {
  for (let count = 0; count < 100_000; count += 1) {
    try {
      limits.mayBeTaken(payload);
    } catch {
      return count;
    }
  }
  return Number.POSITIVE_INFINITY;
}

test('so many messages, and so many bytes, come before the login', () => {
  expect(countUntilCut(connection().limits, message(BANNER, encodeString('x')))).toBe(998);
  expect(countUntilCut(connection().limits, message(BANNER, Buffer.alloc(30_000)))).toBe(34);
});

test('answers to no attempt end it, and so do many questions at once', () => {
  const { limits, state } = connection();
  const questions = (count: number): Buffer =>
    message(INFO_REQUEST, encodeString('name'), encodeString(''), encodeString(''), encodeUint32(count));
  expect(limits.mayBeTaken(questions(32))).toBe(true);
  expect(() => limits.mayBeTaken(questions(33))).toThrow('it asks 33 questions at once');
  expect(limits.mayBeTaken(message(INFO_REQUEST, encodeString('ssh-ed25519'), encodeString('key')))).toBe(
    true,
  );
  state.attempts = 0;
  for (const type of [FAILURE, SUCCESS, INFO_REQUEST]) {
    expect(() => limits.mayBeTaken(message(type))).toThrow('it answers to a login that was not asked for');
  }
});

test('after the login nothing of it is looked at, nor answers to what was not asked, nor channels that are none', () => {
  const { limits, state } = loggedIn();
  const unasked = [FAILURE, SUCCESS, BANNER, INFO_REQUEST, NEWKEYS, GEX_GROUP, 81, 82];
  for (const type of unasked) expect(limits.mayBeTaken(message(type)), String(type)).toBe(false);
  expect(limits.mayBeTaken(message(94, encodeUint32(7)))).toBe(false);
  expect(limits.mayBeTaken(message(94, encodeUint32(0x4000_0000)))).toBe(true);
  state.requests = 1;
  for (let replies = 0; replies < 10_000; replies += 1) limits.mayBeTaken(message(82));
});

test.each([2, 3, 4, 5, 7, 50, 80, 81, 90, 192])(
  'message %i, of no use, comes a few thousand times',
  (type) => {
    const { limits, state } = loggedIn();
    expect(countUntilCut(limits, message(type))).toBeLessThanOrEqual(2_000);
    state.nowMs += 1_000;
    expect(countUntilCut(limits, message(type))).toBe(100);
  },
);

test('host keys are told once', () => {
  const { limits } = loggedIn();
  const keys = message(80, encodeString('hostkeys-00@openssh.com'), Buffer.of(0));
  expect(limits.mayBeTaken(keys)).toBe(true);
  expect(() => limits.mayBeTaken(keys)).toThrow('it tells its host keys again');
});

test('keys are exchanged as often as data moves, and else now and then', () => {
  const { limits, state } = loggedIn();
  for (let exchanges = 0; exchanges < 1_000; exchanges += 1) {
    state.movedBytes += 16 * 1024;
    expect(limits.mayBeTaken(message(KEXINIT))).toBe(true);
    expect(limits.mayBeTaken(message(NEWKEYS))).toBe(true);
  }
  expect(countUntilCut(limits, message(KEXINIT))).toBe(50);
});

test('a group is of no more than 8192 bits', () => {
  const { limits } = connection();
  limits.mayBeTaken(message(KEXINIT));
  const group = (bytes: number): Buffer => message(GEX_GROUP, encodeString(Buffer.alloc(bytes, 0x7f)));
  expect(limits.mayBeTaken(group(1_024))).toBe(true);
  expect(() => limits.mayBeTaken(group(1_026))).toThrow('a group of 8208 bits');
});
