import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ProcessContext } from '../../../app/process-context.ts';
import { ownAccount } from '../../../core/accounts.ts';
import { TshuttleError } from '../../../core/errors.ts';
import { systemWords } from '../../../core/systems/system-words.ts';
import { findHelperCommandFacts } from '../../../intercept/client/command.ts';
import { grant, withdraw } from '../../../intercept/install/grant.ts';
import { INSTALLED_FOLDER } from '../../../intercept/install/installed-helper.ts';
import { canBeGranted, renderSudoers, SUDOERS_FILE } from '../../../intercept/install/sudoers.ts';
import type { CommandSession } from '../../command/command-definition.ts';

/** The action, and for which user; by default the one that runs this, or that ran sudo. */
export interface SudoersRequest {
  readonly action: 'print' | 'install' | 'uninstall';
  readonly user: string | undefined;
}

/** Dependencies of {@link sudoers}. */
export type SudoersContext = Pick<CommandSession, 'print' | 'refuse'> &
  Pick<ProcessContext, 'script' | 'environment'>;

/**
 * Prints, installs or removes what lets a user run the helper without a password. Users other than root are asked for the
 * password once, by sudo.
 *
 * @returns the exit code
 * @throws TshuttleError ERR_CONFIG when nothing safe can be granted, ERR_NO_PRIVILEGE without sudo
 */
export async function sudoers({ action, user }: SudoersRequest, context: SudoersContext): Promise<number> {
  const { print, refuse, environment } = context;
  const { name: systemName, redirector } = systemWords();
  if (redirector === undefined) {
    throw new TshuttleError('ERR_NO_INTERCEPTOR', `nothing of tshuttle runs as root on ${systemName}`, {
      remedy: 'start it as you are: --socks, --http-proxy and run --rootless need no root',
    });
  }
  const isRoot = process.geteuid?.() === 0;
  const name = user ?? (isRoot ? environment['SUDO_USER'] : ownAccount().userName) ?? 'root';
  if (name === 'root') {
    const what = 'is missing: root needs no line; name the user, as in --user alice';
    return refuse('ERR_USAGE', [{ where: '--user', what }]);
  }
  const isGroup = name.startsWith('%');
  if (isGroup && action !== 'print') {
    const what = `is a group, and --${action} is for users: the grant is tried as the user; without it the line for the group is printed`;
    return refuse('ERR_USAGE', [{ where: `--user ${name}`, what }]);
  }
  if (!canBeGranted(isGroup ? name.slice(1) : name)) {
    const what = 'cannot be written in sudoers; only letters, digits, dots, - and _ can';
    return refuse('ERR_USAGE', [{ where: `--user ${name}`, what }]);
  }
  if (action === 'print') {
    print(renderSudoers([name]));
    return 0;
  }
  if (!isRoot) return await asRoot(action, name, context.script);
  if (action === 'install') {
    const installed = await grant(name, process.execPath);
    if (installed !== undefined) {
      const { version, nodeCopied } = installed;
      const what = nodeCopied ? `the helper of ${version} and Node.js` : `the helper of ${version}`;
      print(`tshuttle: copied ${what} to ${INSTALLED_FOLDER}\n`);
    }
    print(`tshuttle: ${name} is asked for no password any more (${SUDOERS_FILE})\n`);
    return 0;
  }
  const rest = await withdraw(name);
  const kept = rest.length === 0 ? '' : `; kept for ${rest.join(', ')}`;
  print(`tshuttle: ${name} needs a password again${kept}\n`);
  return 0;
}

/** sudo asks on the terminal itself. */
async function asRoot(action: 'install' | 'uninstall', user: string, script: string): Promise<number> {
  const { sudoPath } = findHelperCommandFacts();
  if (sudoPath === undefined) {
    throw new TshuttleError('ERR_NO_PRIVILEGE', 'this needs root, and there is no sudo here', {
      remedy: `as root: tshuttle sudoers --${action} --user ${user}`,
    });
  }
  const words = [process.execPath, script, 'sudoers', `--${action}`, '--user', user];
  const child = spawn(sudoPath, ['--', ...words], { stdio: 'inherit' });
  child.on('error', () => {}); // its end says so, too
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 1 || code === null) {
    throw new TshuttleError('ERR_NO_PRIVILEGE', 'sudo refused', {
      remedy: `as root: tshuttle sudoers --${action} --user ${user}`,
    });
  }
  return code;
}
