import { isAbsolute } from 'node:path';
import { homeFolder, ownAccount } from '../../core/accounts.ts';
import { isForeignToRoot, isOwnFolder } from '../../core/files/folders.ts';
import type { Problem } from '../../core/problem.ts';
import { sudoUser } from '../../core/sudo-user.ts';
import type { DaemonSurroundings } from '../../daemon/files/paths.ts';
import type { ProcessContext } from '../process-context.ts';

/** Of which each user has a folder of its own, made at login and removed at logout (pam_systemd(8)). */
const RUN_USER = '/run/user';

/** Where this user's files are. Root's are its own, also where `sudo -E` has left it the home of somebody else. */
export function surroundingsOf(environment: ProcessContext['environment']): DaemonSurroundings {
  const home = homeFolder();
  const account = ownAccount().homeDirectory;
  const session = environment['XDG_RUNTIME_DIR'];
  // A user who sets another home than the account's wants none of the account's tunnels.
  const userId = process.geteuid?.();
  const usual =
    userId !== undefined && (home === account || isForeignToRoot(home)) ? `${RUN_USER}/${userId}` : undefined;
  const runtimeDirectories = [session, usual].filter(
    (path): path is string => path !== undefined && isAbsolute(path) && isOwnFolder(path),
  );
  const stateHome =
    environment['XDG_STATE_HOME'] ?? (process.platform === 'win32' ? environment['LOCALAPPDATA'] : undefined);
  return {
    runtimeDirectories,
    stateHome: stateHome !== undefined && isForeignToRoot(stateHome) ? undefined : stateHome,
    homeDirectory: isForeignToRoot(home) ? account : home,
  };
}

/** Says whose configuration is read under sudo: root's, which the user may not expect. */
export function sudoWarnings(environment: ProcessContext['environment']): readonly Problem[] {
  const user = sudoUser(environment);
  if (user === undefined) return [];
  const what =
    `runs as root: ssh's configuration, keys and known_hosts are root's, profiles those of ${homeFolder()}, and tunnels are ` +
    `root's; without sudo they are ${user}'s, and tshuttle asks for what it needs of sudo itself`;
  return [{ where: 'sudo', what }];
}
