import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TshuttleError } from '../../core/errors.ts';

/** What the choice of the command depends on. */
export interface HelperCommandFacts {
  /** Effective user id of this process. */
  readonly userId: number | undefined;
  /** Absolute path of Node.js. */
  readonly nodePath: string;
  /** Absolute path of the helper's entry. */
  readonly helperPath: string;
  /** Absolute path of sudo, if there is one. */
  readonly sudoPath: string | undefined;
}

/** The same installation's helper, whether this runs from src/ or dist/. */
const HELPER_PATH = fileURLToPath(new URL('../../../bin/tshuttle-helper', import.meta.url));

/** `%p` is the user whose password sudo wants (sudo(8)). */
const SUDO_PROMPT = "[sudo] password for %p to set tshuttle's redirect rules: ";

/**
 * What the helper's child process keeps of our environment: what sudo needs to ask, on the terminal, through a
 * graphical askpass or with an agent. Everything else stays here, TSHUTTLE_ARGS before all.
 */
const KEPT_VARIABLES = [
  'TERM',
  'LANG',
  'SUDO_ASKPASS',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'SSH_AUTH_SOCK',
] as const;

/** Root's own folders: sudo must not be taken from elsewhere. The last is NixOS. */
const SUDO_FOLDERS = ['/usr/bin', '/bin', '/usr/local/bin', '/run/wrappers/bin'];

/** Looks up the facts for {@link helperCommand} on this machine. */
export function findHelperCommandFacts(): HelperCommandFacts {
  return {
    userId: process.geteuid?.(),
    nodePath: process.execPath,
    helperPath: HELPER_PATH,
    sudoPath: SUDO_FOLDERS.map((folder) => join(folder, 'sudo')).find(isExecutable),
  };
}

/**
 * Builds the command that runs the helper as root: directly for root, through sudo for everybody else.
 *
 * sudo asks for the password on the terminal itself (/dev/tty), not on the pipes that carry the protocol.
 *
 * @throws TshuttleError ERR_NO_PRIVILEGE when this is not root and there is no sudo
 */
export function helperCommand(facts: HelperCommandFacts): readonly string[] {
  const helper = [facts.nodePath, facts.helperPath];
  if (facts.userId === 0) return helper;
  if (facts.sudoPath === undefined) {
    throw new TshuttleError('ERR_NO_PRIVILEGE', 'redirect rules need root, and there is no sudo here', {
      remedy: 'install sudo, or run tshuttle as root',
    });
  }
  return [facts.sudoPath, '-p', SUDO_PROMPT, '--', ...helper];
}

/** The environment of the helper's child process. */
export function helperEnvironment(ours: NodeJS.ProcessEnv): Record<string, string> {
  const kept = KEPT_VARIABLES.flatMap((name) => {
    const value = ours[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...Object.fromEntries(kept) };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
