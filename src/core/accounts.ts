import { execFileSync } from 'node:child_process';
import { homedir, userInfo } from 'node:os';
import { join, sep } from 'node:path';

/** Longer than a directory service (LDAP) takes; without it one that is down would keep us for ever. */
const LOOK_UP_TIMEOUT_MS = 5_000;

/** Who this process runs as. */
export interface OwnAccount {
  /** Undefined where nobody says: no account, and neither LOGNAME nor USER is set. */
  readonly userName: string | undefined;
  readonly userId: number;
  /** That of the account, as ssh has it; without one {@link homeFolder}. */
  readonly homeDirectory: string;
  /** False for a uid that the machine has no account of, as in a container that runs with `--user 12345`. */
  readonly isKnown: boolean;
}

/** The account of this process, as far as there is one. Never throws. */
export function ownAccount(environment: NodeJS.ProcessEnv = process.env): OwnAccount {
  try {
    const { username, uid, homedir: homeDirectory } = userInfo();
    return { userName: username, userId: uid, homeDirectory, isKnown: true };
  } catch {
    const userName = environment['LOGNAME'] || environment['USER'] || undefined;
    return { userName, userId: process.getuid?.() ?? -1, homeDirectory: homeFolder(), isKnown: false };
  }
}

/** HOME, or else that of the account; `/` where there is neither. */
export function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return '/';
  }
}

/** The home folder of a user of this machine, by name; undefined for one that it has no account of, and on Windows. */
export function homeOf(userName: string): string | undefined {
  const line = ask('home', userName)?.split('\n', 1)[0];
  const fields = line?.split(':') ?? [];
  // Of macOS in the format of master.passwd(5), which has three fields more before the home.
  return fields[0] === userName ? fields.at(-2) : undefined;
}

/** What has a number by which the kernel knows it. */
export type AccountKind = 'user' | 'group';

/** The number of a user or group of this machine, by name; undefined for one that it does not have. */
export function accountId(kind: AccountKind, name: string): number | undefined {
  const id = /^(?:[^:\n]*:[^:\n]*:|PrimaryGroupID: )?(\d+)(?::|$)/m.exec(ask(kind, name) ?? '')?.[1];
  return id === undefined ? undefined : Number(id);
}

/** What a program of the system says of an account; undefined where there is none of that name. */
function ask(what: AccountKind | 'home', name: string): string | undefined {
  // No option to the programs: those of BSD know no `--` behind a word.
  if (process.platform === 'win32' || !/^[\w.@][\w.@$+\\-]{0,255}$/.test(name)) return undefined;
  const [file, ...words] = PROGRAMS[process.platform === 'darwin' ? 'darwin' : 'other'][what](name);
  try {
    return execFileSync(file, words, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: LOOK_UP_TIMEOUT_MS,
    });
  } catch {
    return undefined;
  }
}

/** What asks directory services, too, whose accounts are in no file that could be read. macOS has no getent(1). */
const PROGRAMS: Readonly<
  Record<'darwin' | 'other', Readonly<Record<AccountKind | 'home', (name: string) => [string, ...string[]]>>>
> = {
  darwin: {
    user: (name) => ['id', '-u', name],
    group: (name) => ['dscl', '-q', '.', '-read', `/Groups/${name}`, 'PrimaryGroupID'],
    home: (name) => ['id', '-P', name],
  },
  other: {
    user: (name) => ['id', '-u', name],
    group: (name) => ['getent', 'group', name],
    home: (name) => ['getent', 'passwd', name],
  },
};

/** What ends a name in a path: on Windows both slashes do. */
const TILDE = sep === '/' ? /^~([^/]+)/ : /^~([^/\\]+)/;

/** The user that a path begins with, as in `~user/x`; undefined for any other path, `~/x` too. */
export function userOfTilde(path: string): string | undefined {
  return TILDE.exec(path)?.[1];
}

/**
 * Expands `~`, `~/x` and `~user/x`. A user that the machine does not have stays as it is written.
 *
 * @param homeDirectory of the owner of the path
 */
export function expandTilde(path: string, homeDirectory: string): string {
  if (!path.startsWith('~')) return path;
  const user = userOfTilde(path);
  const home = user === undefined ? homeDirectory : homeOf(user);
  return home === undefined ? path : join(home, path.slice(1 + (user?.length ?? 0)));
}
