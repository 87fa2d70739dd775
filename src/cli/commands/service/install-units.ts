import { existsSync } from 'node:fs';
import { EXIT_CODES } from '../../../app/exit-code.ts';
import { CleanupStack } from '../../../core/cleanup-stack.ts';
import { TshuttleError } from '../../../core/errors.ts';
import { renderProblem } from '../../../core/problem.ts';
import { hasSystemUser, removeSystemUser } from '../../../daemon/service/system-user.ts';
import { type ManagerAccess, runTool, systemctl } from '../../../daemon/service/systemctl.ts';
import {
  replaceServiceFile,
  SYSUSERS_FILE,
  type UnitPlaces,
  unitFile,
} from '../../../daemon/service/unit-files.ts';
import { renderSysusers } from '../../../daemon/service/units.ts';

/** A unit that is to be there. */
export interface Unit {
  readonly name: string;
  readonly text: string;
}

/** What an installation tells, and what is to be done once nothing of it can fail but the start. */
interface UnitHooks {
  readonly print: (text: string) => void;
  readonly beforeStart?: () => Promise<unknown>;
}

/**
 * Has systemd start units at login or boot, and now. Either all are installed, or what was there before is there again.
 *
 * @returns the exit code: 75 when they are installed, and one could not be started yet, which systemd tries again
 * @throws TshuttleError ERR_CONFIG with what systemctl said
 */
export async function installUnits(
  units: readonly Unit[],
  access: ManagerAccess,
  places: UnitPlaces,
  { print, beforeStart }: UnitHooks,
): Promise<number> {
  const undo = new CleanupStack();
  try {
    if (access.manager === 'system') await addSystemUser(undo);
    // Undone last, when the files are as they were.
    let isReloaded = false;
    undo.push(async () => {
      if (isReloaded) await systemctl(access, 'daemon-reload');
    });
    const added = units.filter(({ name }) => !existsSync(unitFile(access.manager, name, places)));
    for (const { name, text } of units)
      undo.push(await replaceServiceFile(unitFile(access.manager, name, places), text));
    await systemctl(access, 'daemon-reload');
    isReloaded = true;
    for (const unit of units) {
      await systemctl(access, '--quiet', 'enable', unit.name);
      if (added.includes(unit))
        undo.push(async () => void (await systemctl(access, '--quiet', 'disable', unit.name)));
    }
  } catch (error) {
    throw await undo.releaseAfter(error, 'the service is half installed');
  }
  await beforeStart?.();
  let exitCode = 0;
  for (const { name } of units) exitCode ||= await start(access, name, print);
  return exitCode;
}

async function addSystemUser(undo: CleanupStack): Promise<void> {
  const wasThere = await hasSystemUser();
  undo.push(await replaceServiceFile(SYSUSERS_FILE, renderSysusers()));
  if (!wasThere) undo.push(removeSystemUser);
  const { status, stderr } = await runTool('systemd-sysusers', [SYSUSERS_FILE]);
  if (status !== 0) throw new TshuttleError('ERR_CONFIG', `systemd-sysusers failed: ${stderr.trim()}`);
}

/** @returns the exit code */
async function start(access: ManagerAccess, unit: string, print: (text: string) => void): Promise<number> {
  try {
    await systemctl(access, 'restart', unit);
    print(`tshuttle: ${unit} is installed and up\n`);
    return 0;
  } catch (error) {
    const journal = `journalctl ${access.manager === 'user' ? '--user ' : ''}-u ${unit}`;
    const what = `is installed, but not up yet; see ${journal}`;
    process.stderr.write(`tshuttle: ${renderProblem({ where: unit, what })}\n`);
    if (error instanceof TshuttleError) return EXIT_CODES.ERR_BASTION_LOST;
    throw error;
  }
}
