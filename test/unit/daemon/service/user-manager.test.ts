import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findUserManager, noUserManagerError } from '../../../../src/daemon/service/user-manager.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tshuttle-manager-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A machine that has these files. */
function having(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '');
  }
}

const find = (environment: Record<string, string> = {}) =>
  findUserManager({ environment, userId: 1000, root });

describe("the user's own systemd", () => {
  test('is where XDG_RUNTIME_DIR says, as after a login', () => {
    having('session/systemd/private', 'run/systemd/system/x');
    const environment = { XDG_RUNTIME_DIR: join(root, 'session') };
    expect(find(environment)).toEqual({ kind: 'reachable', environment, missing: undefined });
  });

  test('is found where su and cron name nobody a folder, or that of somebody else', () => {
    having('run/user/1000/systemd/private', 'run/systemd/system/x');
    const strange = {
      XDG_RUNTIME_DIR: '/run/user/999',
      DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/999/bus',
      A: 'a',
    };
    for (const [environment, rest] of [
      [{}, {}],
      [strange, { A: 'a' }],
    ] as const) {
      expect(find(environment)).toEqual({
        kind: 'reachable',
        environment: { ...rest, XDG_RUNTIME_DIR: join(root, 'run/user/1000') },
        missing: 'export XDG_RUNTIME_DIR=/run/user/1000',
      });
    }
  });

  test('does not run for one who has not logged in; a folder alone is none', () => {
    having('run/systemd/system/x', 'run/user/1000/other');
    const found = find();
    expect(found).toEqual({ kind: 'not running', runtimeFolder: '/run/user/1000' });
    if (found.kind === 'reachable') throw new Error('is reachable');
    const { message, remedy } = noUserManagerError('alice', found);
    expect(message).toContain('alice has no systemd of their own running: this shell is no login of theirs');
    expect(remedy).toContain('loginctl enable-linger alice ');
    expect(remedy).toContain('export XDG_RUNTIME_DIR=/run/user/1000');
  });

  test.each([
    ['WSL', [], { WSL_DISTRO_NAME: 'Debian' }],
    ['WSL', ['proc/sys/fs/binfmt_misc/WSLInterop', '.dockerenv'], {}],
    ['a container', ['.dockerenv'], {}],
    ['a container', ['run/.containerenv'], {}],
    ['a container', [], { container: 'oci' }],
    ['a container', [], { KUBERNETES_SERVICE_HOST: '10.0.0.1' }],
    ['a machine with another init system', [], {}],
  ] as const)('is none on %s with %j and %j', (place, files, environment) => {
    having(...files);
    expect(find(environment)).toEqual({ kind: 'no systemd', place });
  });
});
