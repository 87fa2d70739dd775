import { describe, expect, it } from 'vitest';
import { endedError, privilegeError } from '../../../../src/intercept/helper/client-errors.ts';

describe('privilegeError', () => {
  it('quotes sudo, and sends the user to a terminal when that is what it lacks', () => {
    const error = privilegeError('sudo ended with status 1', [
      'a terminal is required to read the password; either use the -S option to read from standard input',
      'a password is required',
    ]);
    expect(error.message).toContain('sudo: a terminal is required');
    expect(error.remedy).toContain('on a terminal');
  });

  it('speaks of the password otherwise', () => {
    const error = privilegeError('sudo ended with status 1', ['3 incorrect password attempts']);
    expect(error.message).toContain('3 incorrect password attempts');
    expect(error.remedy).toContain('right password');
  });

  it('says how sudo ended when it said nothing', () => {
    expect(privilegeError('sudo ended with signal SIGINT', []).message).toContain('signal SIGINT');
  });
});

describe('endedError', () => {
  it('names the ending and the last error of the helper', () => {
    expect(endedError({ status: 71, signal: null }, 'the rules are gone').message).toBe(
      'the root helper ended with status 71: the rules are gone',
    );
    expect(endedError({ status: null, signal: 'SIGKILL' }, undefined).message).toContain('signal SIGKILL');
  });
});
