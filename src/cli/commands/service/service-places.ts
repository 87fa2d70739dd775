import { join } from 'node:path';
import type { ProcessContext } from '../../../app/process-context.ts';
import { surroundingsOf } from '../../../app/running-tunnels/user-folders.ts';
import { homeFolder, ownAccount } from '../../../core/accounts.ts';
import { stateFolderOf } from '../../../daemon/files/paths.ts';
import type { CronPlaces } from '../../../daemon/service/cron/cron-service.ts';
import { startScriptFile } from '../../../daemon/service/cron/start-script.ts';
import type { ManagerAccess } from '../../../daemon/service/systemctl.ts';
import type { UnitPlaces } from '../../../daemon/service/unit-files.ts';
import {
  findUserManager,
  noUserManagerError,
  type UserManager,
} from '../../../daemon/service/user-manager.ts';

/** Where services are installed, and by what: of this machine, or of a test's. */
export interface ServicePlaces {
  readonly units: UnitPlaces;
  readonly cron: CronPlaces;
  /** The user's own systemd. */
  readonly userManager: UserManager;
}

/** @param root of the machine; tests have a folder for it */
export function servicePlacesOf(environment: ProcessContext['environment'], root = '/'): ServicePlaces {
  const configHome = environment['XDG_CONFIG_HOME'];
  const homeDirectory = homeFolder();
  return {
    units: { configHome, homeDirectory },
    cron: {
      scriptFile: startScriptFile(configHome, homeDirectory),
      logFile: join(stateFolderOf(surroundingsOf(environment)), 'start-at-boot.log'),
    },
    userManager: findUserManager({ environment, userId: process.geteuid?.() ?? -1, root }),
  };
}

/** The user's own systemd. @throws TshuttleError ERR_CONFIG where it does not run */
export function userAccess({ userManager }: ServicePlaces): ManagerAccess {
  if (userManager.kind === 'reachable') return { manager: 'user', environment: userManager.environment };
  const { userName, userId } = ownAccount();
  throw noUserManagerError(userName ?? String(userId), userManager);
}

/** The systemd of the machine, whoever asks. */
export function machineManager(environment: ProcessContext['environment']): ManagerAccess {
  return { manager: 'system', environment };
}
