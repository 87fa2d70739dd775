import { describe, expect, it } from 'vitest';
import { systemWords } from '../../../../src/core/systems/system-words.ts';
import { endedError, privilegeError, wantsPassword } from '../../../../src/intercept/client/client-errors.ts';

describe('privilegeError', () => {
  it('quotes sudo, and sends the user to a terminal when that is what it lacks', () => {
    const error = privilegeError('sudo ended with status 1', [
      'sudo: a terminal is required to read the password; either use the -S option to read from standard input',
      'sudo: a password is required',
    ]);
    expect(error.message).toBe('no root for the redirect rules: sudo: a password is required');
    expect(error.remedy).toContain('on a terminal');
  });

  it.each([
    [['bob is not in the sudoers file.', 'This incident has been reported to the administrator.']],
    [['sudo: unable to resolve host h: Name or service not known', 'bob is not in the sudoers file.']],
    [['bob is not in the sudoers file.  This incident will be reported.']],
  ])('says who is not in sudoers, and nothing of a password: %j', (lines) => {
    const error = privilegeError('sudo ended with status 1', lines);
    expect(error.message).toBe('no root for the redirect rules: bob is not in the sudoers file');
    expect(error.remedy).toBe(`${systemWords().withoutRoot}; for rules ask for a sudoers entry`);
  });

  it('does not guess at a password when sudo refused for another reason', () => {
    expect(privilegeError('sudo ended with status 1', ['sudo: no valid sudoers sources']).remedy).not.toMatch(
      /password/,
    );
    expect(privilegeError('sudo ended with status 1', []).remedy).not.toMatch(/password/);
  });

  it('speaks of the password when that was wrong', () => {
    const error = privilegeError('sudo ended with status 1', [
      'Sorry, try again.',
      'sudo: 3 incorrect password attempts',
    ]);
    expect(error.message).toContain('3 incorrect password attempts');
    expect(error.remedy).toContain('right password');
  });

  // sudo-rs 0.2.13 of Ubuntu 26.04, as it said it there.
  it.each([
    [['sudo: interactive authentication is required'], /^run tshuttle on a terminal/],
    [['sudo: A terminal is required to authenticate'], /^run tshuttle on a terminal/],
    [
      ['sudo: Authentication failed, try again.', 'sudo: maximum 3 incorrect authentication attempts'],
      /right password/,
    ],
    [["sudo: I'm sorry alice. I'm afraid I can't do that"], /for rules ask for a sudoers entry$/],
  ])('knows what to do where sudo-rs says %j', (lines, remedy) => {
    const error = privilegeError('sudo ended with status 1', lines);
    expect(error.message).toBe(`no root for the redirect rules: ${lines.at(-1)}`);
    expect(error.remedy).toMatch(remedy);
  });

  it.each([
    ['sudo: a password is required', true],
    ['sudo: a terminal is required to read the password; either use the -S option', true],
    ['sudo: interactive authentication is required', true],
    ['sudo: A terminal is required to authenticate', true],
    ["sudo: I'm sorry alice. I'm afraid I can't do that", false],
    ['Sorry, user alice may not run sudo on fresh.', false],
  ])('knows of %j whether a password would do: %s', (said, isSo) => {
    expect(wantsPassword(said)).toBe(isSo);
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
