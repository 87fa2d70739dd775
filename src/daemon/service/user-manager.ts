import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TshuttleError } from '../../core/errors.ts';
import { isOwnFolder } from '../../core/files/folders.ts';

/** Whether a user's own systemd can be asked for something from here, and if not, what there is instead. */
export type UserManager =
  /** It runs. `environment` is for systemctl; `missing` what this shell lacks for systemctl that is typed into it. */
  | {
      readonly kind: 'reachable';
      readonly environment: Environment;
      readonly missing: string | undefined;
    }
  /** The machine has systemd, and this user has no session of it: su, sudo -u, a shell in a container. */
  | { readonly kind: 'not running'; readonly runtimeFolder: string }
  /** No systemd runs here. */
  | { readonly kind: 'no systemd'; readonly place: PlaceWithoutSystemd };

/** Where there is no systemd. */
export type PlaceWithoutSystemd = 'WSL' | 'a container' | 'a machine with another init system';

type Environment = Readonly<Record<string, string | undefined>>;

/** For whom, and on which machine: tests have a folder for its root. */
export interface ManagerSurroundings {
  readonly environment: Environment;
  readonly userId: number;
  readonly root?: string;
}

/**
 * Finds the systemd of a user: by XDG_RUNTIME_DIR, or where pam_systemd(8) has it, which su and cron name nobody. `su` without `-` names
 * that of somebody else, which is not taken. What answers there is not tried: systemctl says so.
 */
export function findUserManager({ environment, userId, root = '/' }: ManagerSurroundings): UserManager {
  const usual = `/run/user/${userId}`;
  const named = environment['XDG_RUNTIME_DIR'];
  if (named !== undefined && hasManager(named)) return { kind: 'reachable', environment, missing: undefined };
  if (hasManager(join(root, usual))) {
    const { DBUS_SESSION_BUS_ADDRESS: _ofSomebodyElse, ...rest } = environment;
    return {
      kind: 'reachable',
      environment: { ...rest, XDG_RUNTIME_DIR: join(root, usual) },
      missing: `export XDG_RUNTIME_DIR=${usual}`,
    };
  }
  // sd_booted(3)
  if (existsSync(join(root, 'run/systemd/system'))) return { kind: 'not running', runtimeFolder: usual };
  return { kind: 'no systemd', place: placeWithoutSystemd(environment, root) };
}

/** The socket that systemctl goes to is named `private`; the bus is for when that is not there. */
function hasManager(folder: string): boolean {
  return isOwnFolder(folder) && ['systemd/private', 'bus'].some((name) => existsSync(join(folder, name)));
}

function placeWithoutSystemd(environment: Environment, root: string): PlaceWithoutSystemd {
  if (existsSync(join(root, 'proc/sys/fs/binfmt_misc/WSLInterop')) || environment['WSL_DISTRO_NAME'])
    return 'WSL';
  // Of Docker, Podman, systemd-nspawn, LXC and Kubernetes.
  const isContainer =
    ['.dockerenv', 'run/.containerenv', 'run/systemd/container', 'dev/.lxc-boot-id'].some((name) =>
      existsSync(join(root, name)),
    ) ||
    Boolean(environment['container']) ||
    Boolean(environment['KUBERNETES_SERVICE_HOST']);
  return isContainer ? 'a container' : 'a machine with another init system';
}

/** Why a user's own systemd cannot be asked. @param userName as loginctl(1) takes it */
export function noUserManagerError(
  userName: string,
  found: Exclude<UserManager, { readonly kind: 'reachable' }>,
): TshuttleError {
  if (found.kind === 'no systemd') {
    return new TshuttleError('ERR_CONFIG', `there is no systemd here: this is ${found.place}`, {
      remedy: 'tshuttle service install NAME uses cron there',
    });
  }
  const { runtimeFolder } = found;
  return new TshuttleError(
    'ERR_CONFIG',
    `${userName} has no systemd of their own running: this shell is no login of theirs (su, sudo -u, a container), and ${runtimeFolder} has none`,
    {
      remedy:
        `loginctl enable-linger ${userName} (with sudo where it is refused) starts it, now and at each boot; then the same command again. ` +
        `For systemctl --user in this shell: export XDG_RUNTIME_DIR=${runtimeFolder}`,
    },
  );
}
