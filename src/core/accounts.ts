import { execFileSync } from 'node:child_process';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';

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

/** The home folder of a user of this machine, by name; undefined for one that it has no account of. */
export function homeOf(userName: string): string | undefined {
  try {
    // Accounts of a directory service are in no file that could be read.
    const line = execFileSync('getent', ['passwd', '--', userName], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: LOOK_UP_TIMEOUT_MS,
    });
    const fields = line.split('\n', 1)[0]?.split(':') ?? [];
    return fields[0] === userName ? fields[5] : undefined;
  } catch {
    return undefined;
  }
}

/** What has a number by which the kernel knows it. */
export type AccountKind = 'user' | 'group';

/** The number of a user or group of this machine, by name; undefined for one that it does not have. */
export function accountId(kind: AccountKind, name: string): number | undefined {
  if (!/^[\w.@][\w.@$+-]{0,255}$/.test(name)) return undefined;
  const [file, ...words] = ID_PROGRAMS[process.platform === 'darwin' ? 'darwin' : 'other'][kind](name);
  try {
    const output = execFileSync(file, words, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: LOOK_UP_TIMEOUT_MS,
    });
    const id = /^(?:[^:\n]*:[^:\n]*:|PrimaryGroupID: )?(\d+)(?::|$)/m.exec(output)?.[1];
    return id === undefined ? undefined : Number(id);
  } catch {
    return undefined;
  }
}

/** What asks directory services, too. macOS has no getent(1). */
const ID_PROGRAMS: Readonly<
  Record<'darwin' | 'other', Readonly<Record<AccountKind, (name: string) => [string, ...string[]]>>>
> = {
  darwin: {
    user: (name) => ['id', '-u', name],
    group: (name) => ['dscl', '-q', '.', '-read', `/Groups/${name}`, 'PrimaryGroupID'],
  },
  other: {
    user: (name) => ['id', '-u', name],
    group: (name) => ['getent', 'group', name],
  },
};

/** The user that a path begins with, as in `~user/x`; undefined for any other path, `~/x` too. */
export function userOfTilde(path: string): string | undefined {
  return /^~([^/]+)/.exec(path)?.[1];
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
