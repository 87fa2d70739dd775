import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TshuttleError } from '../../core/errors.ts';
import { INSTALLATION_FOLDER } from '../../core/installation.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import { findSudo, isSudoRs } from '../install/find-sudo.ts';
import { findInstalledHelper } from '../install/installed-helper.ts';

/** What the choice of the command depends on. */
export interface HelperCommandFacts {
  readonly platform: NodeJS.Platform;
  /** Effective user id of this process. */
  readonly userId: number | undefined;
  /** Absolute path of Node.js. */
  readonly nodePath: string;
  /** Absolute path of the helper's entry. */
  readonly helperPath: string;
  /** Absolute path of sudo, if there is one. */
  readonly sudoPath: string | undefined;
  /** Whether that is sudo-rs. */
  readonly isSudoRs: boolean;
  /** A copy of the helper that sudo may have been told to run without a password. */
  readonly installedHelper: string | undefined;
  /** Whether child processes have CAP_NET_ADMIN, which is all that nft needs. */
  readonly givesNetAdmin: boolean;
}

const HELPER_PATH = join(INSTALLATION_FOLDER, 'bin', 'tshuttle-helper');

/** `%p` is the user whose password sudo wants (sudo(8)); sudo-rs puts it into words of its own: `[sudo: PROMPT] Password: `. */
const SUDO_PROMPT = "[sudo] password for %p to set tshuttle's redirect rules: ";
const SUDO_RS_PROMPT = "%p, to set tshuttle's redirect rules";

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

/** Bit 12 (linux/capability.h). */
const CAP_NET_ADMIN = 1n << 12n;

/** Looks up the facts for {@link helperCommand} on this machine. */
export function findHelperCommandFacts(): HelperCommandFacts {
  const sudoPath = findSudo();
  return {
    platform: process.platform,
    userId: process.geteuid?.(),
    nodePath: process.execPath,
    helperPath: HELPER_PATH,
    sudoPath,
    isSudoRs: isSudoRs(sudoPath),
    installedHelper: findInstalledHelper(),
    givesNetAdmin: givesNetAdmin(),
  };
}

/**
 * Builds the command that runs the helper with the power to set rules: directly for root and for a service that was given
 * just that, through sudo for everybody else.
 *
 * sudo asks for the password on the terminal itself (/dev/tty), not on the pipes that carry the protocol.
 *
 * @throws TshuttleError ERR_NO_INTERCEPTOR on Windows; ERR_NO_PRIVILEGE when this is not root and there is no sudo
 */
export function helperCommand(facts: HelperCommandFacts): readonly string[] {
  if (facts.platform === 'win32') {
    throw new TshuttleError('ERR_NO_INTERCEPTOR', 'on Windows connections cannot be redirected to tshuttle', {
      remedy:
        'use tshuttle in WSL2 (tshuttle help windows), or --socks, --http-proxy and run --rootless here',
    });
  }
  const helper = [facts.nodePath, facts.helperPath];
  if (facts.userId === 0 || facts.givesNetAdmin) return helper;
  if (facts.sudoPath === undefined) {
    const { install, withoutRoot } = systemWords(facts.platform);
    throw new TshuttleError('ERR_NO_PRIVILEGE', 'redirect rules need root, and there is no sudo here', {
      remedy: `${withoutRoot}; for rules install sudo (${install('sudo')}), or run tshuttle as root`,
    });
  }
  const words = facts.installedHelper === undefined ? helper : [facts.installedHelper];
  return [facts.sudoPath, '-p', facts.isSudoRs ? SUDO_RS_PROMPT : SUDO_PROMPT, '--', ...words];
}

/** The same command where nobody is to be asked: sudo fails then instead (`-n`, sudo(8)). */
export function withoutPrompt([program = '', ...words]: readonly string[]): readonly string[] {
  return program.endsWith('/sudo') ? [program, '-n', ...words] : [program, ...words];
}

/** Whether a command may ask somebody for a password. */
export function mayPrompt([program = '', firstWord]: readonly string[]): boolean {
  return program.endsWith('/sudo') && firstWord !== '-n';
}

/** The command that runs the helper behind words that make it root of a user namespace. */
export function helperCommandBehind(words: readonly string[]): readonly string[] {
  return [...words, process.execPath, HELPER_PATH];
}

/** The environment of the helper's child process. */
export function helperEnvironment(ours: NodeJS.ProcessEnv): Record<string, string> {
  const kept = KEPT_VARIABLES.flatMap((name) => {
    const value = ours[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...Object.fromEntries(kept) };
}

/** Ambient capabilities are what a program without file capabilities starts with (capabilities(7)). */
function givesNetAdmin(): boolean {
  try {
    const ambient = /^CapAmb:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
    return (BigInt(`0x${ambient}`) & CAP_NET_ADMIN) !== 0n;
  } catch {
    return false; // not Linux
  }
}
