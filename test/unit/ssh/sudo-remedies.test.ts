import { afterEach, describe, expect, test, vi } from 'vitest';
import { sudoUser } from '../../../src/core/sudo-user.ts';
import { unknownKeyError } from '../../../src/ssh/host-keys/host-key-errors.ts';
import type { PublicKey } from '../../../src/ssh/keys/public-key.ts';
import {
  type AuthenticationRecord,
  authenticationError,
} from '../../../src/ssh/login/authentication-error.ts';
import type { SshTarget } from '../../../src/ssh/ssh-target.ts';

const TARGET = {
  role: 'bastion',
  host: 'gate.example',
  port: 22,
  user: 'me',
  hostKeys: { unknownKey: 'ask' },
} as unknown as SshTarget;

const KEY: PublicKey = { type: 'ssh-ed25519', blob: Buffer.alloc(51) };

const nothing = (): AuthenticationRecord => ({
  refused: [],
  notes: [],
  accepted: [],
  wanted: ['publickey'],
  keysLeftOut: false,
});

afterEach(() => void vi.unstubAllEnvs());

describe.skipIf(process.geteuid?.() !== 0)('as root by sudo', () => {
  test('without a key to offer, whose keys are missing is said', () => {
    vi.stubEnv('SUDO_USER', 'alice');
    expect(authenticationError(TARGET, nothing(), undefined)).toMatchObject({
      message: expect.stringContaining('there was nothing to offer it'),
      remedy: expect.stringMatching(
        /^leave sudo out: as root it has root's keys and agent, not those of alice/,
      ),
    });
  });

  test('an unknown host key is one that root does not know', () => {
    vi.stubEnv('SUDO_USER', 'alice');
    const { remedy } = unknownKeyError(TARGET, KEY, []);
    expect(remedy).toMatch(
      /leave sudo out, as root's known_hosts .* not those of alice, .*: sudo ssh me@gate\.example$/,
    );
  });

  test('without sudo nothing of it is said', () => {
    vi.stubEnv('SUDO_USER', undefined);
    expect(authenticationError(TARGET, nothing(), undefined).remedy).not.toContain('sudo');
    expect(unknownKeyError(TARGET, KEY, []).remedy).toMatch(/terminal with: ssh me@gate\.example$/);
  });
});

test('sudo matters only where it has made somebody root', () => {
  expect(sudoUser({ SUDO_USER: 'alice' }, 0)).toBe('alice');
  expect(sudoUser({ SUDO_USER: 'alice' }, 1000)).toBeUndefined();
  expect(sudoUser({ SUDO_USER: 'root' }, 0)).toBeUndefined();
  expect(sudoUser({}, 0)).toBeUndefined();
});
