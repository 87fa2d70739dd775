import { expect, test } from 'vitest';
import { EXIT_CODES, exitCodeOf } from '../../../src/app/exit-code.ts';
import { TshuttleError } from '../../../src/core/errors.ts';

test('the documented exit codes', () => {
  expect(EXIT_CODES).toEqual({
    ERR_USAGE: 64,
    ERR_CONFIG: 78,
    ERR_BASTION_UNREACHABLE: 68,
    ERR_BASTION_AUTH: 77,
    ERR_BASTION_LOST: 75,
    ERR_CHANNEL_REFUSED: 68,
    ERR_HOST_KEY: 76,
    ERR_NO_INTERCEPTOR: 69,
    ERR_NO_PRIVILEGE: 77,
    ERR_INTERCEPT_APPLY: 71,
    ERR_HELPER_PROTOCOL: 70,
    ERR_HELPER_LOST: 71,
    ERR_RULES_REMOVED: 75,
    ERR_LISTEN: 71,
    ERR_ORIGINAL_DST: 71,
    ERR_CLEANUP: 71,
    ERR_ALREADY_RUNNING: 64,
    ERR_API_UNREACHABLE: 68,
    ERR_API_CERTIFICATE: 76,
    ERR_API_REFUSED: 77,
    ERR_API_ANSWER: 76,
    ERR_INTERNAL: 70,
  });
});

test('of several failures the first expected one decides', () => {
  const expected = new TshuttleError('ERR_CLEANUP', 'left');
  expect(exitCodeOf(new AggregateError([new Error('bug'), new AggregateError([expected])]))).toBe(71);
  expect(exitCodeOf(new Error('bug'))).toBe(70);
  expect(exitCodeOf('thrown text')).toBe(70);
});
