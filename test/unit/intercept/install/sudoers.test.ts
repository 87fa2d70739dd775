import { describe, expect, it } from 'vitest';
import {
  canBeGranted,
  renderSudoers,
  sudoersLine,
  usersIn,
} from '../../../../src/intercept/install/sudoers.ts';

describe('the sudoers file', () => {
  it('grants one program, without arguments, to each user once', () => {
    expect(renderSudoers(['bob', 'alice', 'bob'], false)).toBe(
      `# These users may set tshuttle's redirect rules without a password: one program that only root can change, and no
# arguments. tshuttle sudoers --install puts it there; --uninstall removes it and this file.
Defaults!/usr/local/libexec/tshuttle/helper env_reset, !setenv, !requiretty
alice ALL=(root) NOPASSWD: /usr/local/libexec/tshuttle/helper ""
bob ALL=(root) NOPASSWD: /usr/local/libexec/tshuttle/helper ""
`,
    );
  });

  it('has for sudo-rs no setting that it does not know', () => {
    expect(renderSudoers(['alice'], true).split('\n').slice(2)).toEqual([
      'Defaults!/usr/local/libexec/tshuttle/helper env_reset, !setenv',
      sudoersLine('alice'),
      '',
    ]);
  });

  it('tells whom it is for, and takes nothing else for a user', () => {
    expect(usersIn(renderSudoers(['bob', 'alice']))).toEqual(['alice', 'bob']);
    const foreign = ['# carol', 'ALL ALL=(ALL) ALL', `${sudoersLine('dave')}, /bin/sh`, sudoersLine('ALL')];
    expect(usersIn(foreign.join('\n'))).toEqual([]);
  });

  it.each(['jane.doe', 'a-b_c9'])('takes %s, as directory services name users', (name) => {
    expect(usersIn(renderSudoers([name]))).toEqual([name]);
  });

  it.each(['ALL', '#1000', '%wheel', '.a', 'a b', 'a,b', 'a=b', '+net', '!root', ''])(
    'refuses %s',
    (name) => {
      expect(canBeGranted(name)).toBe(false);
    },
  );
});
