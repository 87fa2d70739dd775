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
  const runtimeBase = absolute(surroundings.runtimeDirectory);
  const runtimeFolder = runtimeBase === undefined ? stateFolder : join(runtimeBase, 'tshuttle');
  const wanted = mode.kind === 'daemon' ? mode.pidFile : undefined;
  if (wanted !== undefined) {
    const logFile = join(stateFolder, `${fileName(basename(wanted).replace(/\.pid$/, ''))}.log`);
    return { pidFile: wanted, logFile, privateFolders: [stateFolder] };
  }
  const login = remote.user === undefined ? '' : `${remote.user}@`;
  const name = fileName(`${login}${remote.host}${remote.port === undefined ? '' : `-${remote.port}`}`);
  return {
    pidFile: join(runtimeFolder, `${name}.pid`),
    logFile: join(stateFolder, `${name}.log`),
    privateFolders: [...new Set([stateFolder, runtimeFolder])],
  };
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
