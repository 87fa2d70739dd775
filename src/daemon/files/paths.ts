import { createHash } from 'node:crypto';
import { basename, isAbsolute, join } from 'node:path';
import type { Config } from '../../config/config.ts';
import type { Remote } from '../../config/parse/remote.ts';

/** The files of one daemon. */
export interface DaemonPaths {
  readonly pidFile: string;
  readonly logFile: string;
  /** Folders that are ours alone: made when missing, closed to others. */
  readonly privateFolders: readonly string[];
}

/** Where a machine keeps a user's files (XDG Base Directory Specification 0.8). */
export interface DaemonSurroundings {
  /** Folders of this user that are there and go away with the session, the best first. */
  readonly runtimeDirectories: readonly string[];
  readonly stateHome: string | undefined;
  readonly homeDirectory: string;
}

/**
 * Names the files of a daemon after its bastion, or after its `--pidfile` when it has one: a second daemon for the same
 * bastion needs its own.
 */
export function daemonPaths(
  { remote, mode }: Pick<Config, 'mode'> & { readonly remote: Remote },
  surroundings: DaemonSurroundings,
): DaemonPaths {
  const stateFolder = stateFolderOf(surroundings);
  const wanted = mode.kind === 'daemon' ? mode.pidFile : undefined;
  const name = tunnelNameOf({ remote, mode });
  return {
    // With the log, and not in a folder of the session: a second one is to find it from wherever it is started.
    pidFile: wanted ?? join(stateFolder, `${name}.pid`),
    logFile: join(stateFolder, `${name}.log`),
    privateFolders: [stateFolder],
  };
}

/** What a tunnel is called that has no profile: by its `--pidfile`, else by its bastion. */
export function tunnelNameOf({ remote, mode }: Pick<Config, 'mode'> & { readonly remote: Remote }): string {
  if (mode.kind === 'daemon' && mode.pidFile !== undefined)
    return fileNameOf(basename(mode.pidFile).replace(/\.pid$/, ''));
  const login = remote.user === undefined ? '' : `${remote.user}@`;
  // A plus, since a host may well be called gate-22.
  return fileNameOf(`${login}${remote.host}${remote.port === undefined ? '' : `+${remote.port}`}`);
}

/** Names the files of a profile's tunnel; in folders of their own, since a bastion may have the name of a profile. */
export function profilePaths(name: string, surroundings: DaemonSurroundings): DaemonPaths {
  const stateFolder = stateFolderOf(surroundings);
  const folder = join(stateFolder, 'profiles');
  return {
    pidFile: join(folder, `${fileNameOf(name)}.pid`),
    logFile: join(folder, `${fileNameOf(name)}.log`),
    privateFolders: [stateFolder, folder],
  };
}

/**
 * Every folder in which control sockets of this user may be: the first is where a new one belongs. cron, su and services know
 * nothing of the session and its variables, and what they start is to be found from a terminal all the same.
 */
export function controlFoldersOf(surroundings: DaemonSurroundings): readonly [string, ...string[]] {
  const [first, ...others] = [
    ...surroundings.runtimeDirectories.map((path) => join(path, 'tshuttle')),
    ...stateFoldersOf(surroundings),
  ];
  return [first!, ...new Set(others.filter((path) => path !== first))];
}

/** Every folder in which logs of this user's tunnels may be: cron does not know XDG_STATE_HOME either. */
export function stateFoldersOf(surroundings: DaemonSurroundings): readonly string[] {
  return [
    ...new Set([stateFolderOf(surroundings), stateFolderOf({ ...surroundings, stateHome: undefined })]),
  ];
}

/** Where a user's tunnels keep what they are to know in their next run. */
export function stateFolderOf({
  stateHome,
  homeDirectory,
}: Pick<DaemonSurroundings, 'stateHome' | 'homeDirectory'>): string {
  return join(absolute(stateHome) ?? join(homeDirectory, ...usualStateHome()), 'tshuttle');
}

/** Of a home folder. macOS has none for programs of a terminal; they keep to the specification there. */
function usualStateHome(): readonly string[] {
  return process.platform === 'win32' ? ['AppData', 'Local'] : ['.local', 'state'];
}

/** The specification has relative paths ignored. */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

/** More than this has no place in a file name with its ending, and little sense on a screen. */
const MAX_NAME_LENGTH = 100;

/**
 * What a tunnel's files are called, by its name. What cannot stand in it as it is has a part of the text's hash behind it, so that no two
 * tunnels have one name; but for the colons of an IPv6 address, which no underscore can be taken for.
 */
export function fileNameOf(text: string): string {
  const plain = text.replaceAll(':', '_');
  const safe = plain.replace(/[^A-Za-z0-9@._+-]/g, '_').replace(/^\.+/, '_');
  const written = process.platform === 'win32' ? safe.replace(WINDOWS_DEVICE, '_$&') : safe;
  if (written === plain && written !== '' && written.length <= MAX_NAME_LENGTH && isDistinct(written))
    return written;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
  return `${written.slice(0, MAX_NAME_LENGTH - HASH_LENGTH - 1)}-${hash}`;
}

/** Names of devices, also with an ending (Microsoft, Naming Files, Paths, and Namespaces). */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/** Whether the file system tells a name from all others of ours: those of macOS and Windows take `Office` for `office`. */
function isDistinct(name: string): boolean {
  if (process.platform === 'darwin') return name === name.toLowerCase();
  // A dot at the end is left out there.
  return process.platform !== 'win32' || (name === name.toLowerCase() && !name.endsWith('.'));
}

const HASH_LENGTH = 12;
