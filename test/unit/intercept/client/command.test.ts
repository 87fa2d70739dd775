import { describe, expect, it } from 'vitest';
import { helperCommand, helperEnvironment } from '../../../../src/intercept/client/command.ts';

const facts = {
  platform: 'linux',
  userId: 1000,
  nodePath: '/usr/bin/node',
  helperPath: '/opt/tshuttle/bin/tshuttle-helper',
  sudoPath: '/usr/bin/sudo',
  isSudoRs: false,
  installedHelper: undefined,
  givesNetAdmin: false,
} as const;

describe('helperCommand', () => {
  it('runs the helper directly for root', () => {
    expect(helperCommand({ ...facts, userId: 0 })).toEqual([
      '/usr/bin/node',
      '/opt/tshuttle/bin/tshuttle-helper',
    ]);
  });

  it('runs it through sudo for everybody else, and says in the prompt what for', () => {
    const [sudo, option, prompt, ...rest] = helperCommand(facts);
    expect([sudo, option]).toEqual(['/usr/bin/sudo', '-p']);
    expect(prompt).toContain('%p');
    expect(rest).toEqual(['--', '/usr/bin/node', '/opt/tshuttle/bin/tshuttle-helper']);
    // sudo-rs writes `[sudo: PROMPT] Password: `.
    expect(helperCommand({ ...facts, isSudoRs: true })[2]).toBe("%p, to set tshuttle's redirect rules");
  });

  it('runs the installed copy without arguments, as sudo was told to', () => {
    const installedHelper = '/usr/local/libexec/tshuttle/helper';
    expect(helperCommand({ ...facts, installedHelper }).slice(3)).toEqual(['--', installedHelper]);
  });

  it('runs it directly where a service gives the one capability that it needs', () => {
    expect(helperCommand({ ...facts, sudoPath: undefined, givesNetAdmin: true })).toEqual([
      '/usr/bin/node',
      '/opt/tshuttle/bin/tshuttle-helper',
    ]);
  });

  it('says on Windows where it can be done, and what works there', () => {
    for (const userId of [undefined, 0]) {
      expect(() => helperCommand({ ...facts, platform: 'win32', userId })).toThrow(
        expect.objectContaining({
          code: 'ERR_NO_INTERCEPTOR',
          remedy: expect.stringMatching(/WSL2.*tshuttle help windows.*--socks/),
        }),
      );
    }
  });

  it('needs one of the two', () => {
    expect(() => helperCommand({ ...facts, sudoPath: undefined })).toThrowError(
      expect.objectContaining({ code: 'ERR_NO_PRIVILEGE', remedy: expect.stringContaining('install sudo') }),
    );
  });
});

describe('helperEnvironment', () => {
  it('keeps what sudo needs to ask, and nothing that may be secret', () => {
    const environment = helperEnvironment({
      TERM: 'xterm',
      SUDO_ASKPASS: '/usr/bin/askpass',
      TSHUTTLE_ARGS: '-r user:secret@bastion',
      NODE_OPTIONS: '--require /tmp/x.js',
      PATH: '/home/user/bin',
      LD_PRELOAD: '/tmp/x.so',
    });
    expect(environment).toEqual({
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      TERM: 'xterm',
      SUDO_ASKPASS: '/usr/bin/askpass',
    });
  });
});
