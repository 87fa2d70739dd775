import { basename, isAbsolute, join } from 'node:path';
import type { Config } from '../config/config.ts';

/** The files of one daemon. */
export interface DaemonPaths {
  readonly pidFile: string;
  readonly logFile: string;
  /** Folders that are ours alone: made when missing, closed to others. */
  readonly privateFolders: readonly string[];
}

/** Where a machine keeps a user's files (XDG Base Directory Specification 0.8). */
export interface DaemonSurroundings {
  readonly runtimeDirectory: string | undefined;
  readonly stateHome: string | undefined;
  readonly homeDirectory: string;
}

/**
 * Names the files of a daemon after its bastion, or after its `--pidfile` when it has one: a second daemon for the same
 * bastion needs its own.
 */
export function daemonPaths(
  { remote, mode }: Pick<Config, 'remote' | 'mode'>,
  surroundings: DaemonSurroundings,
): DaemonPaths {
  const stateFolder = stateFolderOf(surroundings);
  const runtimeFolder = runtimeFolderOf(surroundings);
  const wanted = mode.kind === 'daemon' ? mode.pidFile : undefined;
  const name = tunnelNameOf({ remote, mode });
  if (wanted !== undefined) {
    return { pidFile: wanted, logFile: join(stateFolder, `${name}.log`), privateFolders: [stateFolder] };
  }
  return {
    pidFile: join(runtimeFolder, `${name}.pid`),
    logFile: join(stateFolder, `${name}.log`),
    privateFolders: [...new Set([stateFolder, runtimeFolder])],
  };
}

/** What a tunnel is called that has no profile: by its `--pidfile`, else by its bastion. */
export function tunnelNameOf({ remote, mode }: Pick<Config, 'remote' | 'mode'>): string {
  if (mode.kind === 'daemon' && mode.pidFile !== undefined)
    return fileName(basename(mode.pidFile).replace(/\.pid$/, ''));
  const login = remote.user === undefined ? '' : `${remote.user}@`;
  return fileName(`${login}${remote.host}${remote.port === undefined ? '' : `-${remote.port}`}`);
}

/** Names the files of a profile's tunnel; in folders of their own, since a bastion may have the name of a profile. */
export function profilePaths(name: string, surroundings: DaemonSurroundings): DaemonPaths {
  const [stateFolder, runtimeFolder] = [stateFolderOf(surroundings), runtimeFolderOf(surroundings)];
  const folders = [join(stateFolder, 'profiles'), join(runtimeFolder, 'profiles')] as const;
  return {
    pidFile: join(folders[1], `${fileName(name)}.pid`),
    logFile: join(folders[0], `${fileName(name)}.log`),
    privateFolders: [...new Set([stateFolder, runtimeFolder, ...folders])],
  };
}

/** Where control sockets and pid files are: gone with the session, where the machine has a folder for that. */
export function runtimeFolderOf(surroundings: DaemonSurroundings): string {
  const base = absolute(surroundings.runtimeDirectory);
  return base === undefined ? stateFolderOf(surroundings) : join(base, 'tshuttle');
}

/** Where a user's tunnels keep what they are to know in their next run. */
export function stateFolderOf({
  stateHome,
  homeDirectory,
}: Pick<DaemonSurroundings, 'stateHome' | 'homeDirectory'>): string {
  return join(absolute(stateHome) ?? join(homeDirectory, '.local', 'state'), 'tshuttle');
}

/** The specification has relative paths ignored. */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

function fileName(text: string): string {
  return (
    text
      .replace(/[^A-Za-z0-9@._-]/g, '_')
      .replace(/^\.+/, '_')
      .slice(0, 100) || '_'
  );
}
