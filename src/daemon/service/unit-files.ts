import { lstatSync } from 'node:fs';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { isForeignToRoot, makeFolder } from '../../core/files/folders.ts';
import { readRegularFile, replaceFile } from '../../core/files/regular-file.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import type { Manager } from './systemctl.ts';
import { USER_UNIT } from './units.ts';

/** Ours are a page long. */
const MAX_FILE_BYTES = 262_144;

/** For units that root writes (systemd.unit(5)). */
const SYSTEM_UNITS = '/etc/systemd/system';

/** For the user that the machine's units run as. */
export const SYSUSERS_FILE = '/etc/sysusers.d/tshuttle.conf';

/** The first line of whatever we write, by which we know it again. */
const WRITTEN_BY_US = '# Written by tshuttle service install';

/** Where this user's units are. */
export interface UnitPlaces {
  readonly configHome: string | undefined;
  readonly homeDirectory: string;
}

/** Where a unit is, or belongs. */
export function unitFile(manager: Manager, unit: string, places: UnitPlaces): string {
  if (manager === 'system') return join(SYSTEM_UNITS, unit);
  return join(places.configHome ?? join(places.homeDirectory, '.config'), 'systemd', 'user', unit);
}

/** Our units that are installed, by their names. */
export async function installedUnits(manager: Manager, places: UnitPlaces): Promise<readonly string[]> {
  const folder = dirname(unitFile(manager, USER_UNIT, places));
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const candidates = names.filter((name) =>
    manager === 'user' ? name === USER_UNIT : /^tshuttle-.*\.service$/.test(name),
  );
  return candidates.filter((name) => isOurs(join(folder, name))).sort();
}

/** A unit that is masked is a link to the null device, which is empty. */
function isOurs(path: string): boolean {
  return readRegularFile(path, MAX_FILE_BYTES).toString('utf8').startsWith(WRITTEN_BY_US);
}

/**
 * Writes a file of a service's that everybody can read, in place of one of ours.
 *
 * @returns what takes it back: the old one is there again then, or none
 * @throws TshuttleError ERR_CONFIG as {@link writeUnitFile}
 */
export async function replaceServiceFile(
  path: string,
  text: string,
  mode = 0o644,
): Promise<() => Promise<void>> {
  const old = oldText(path);
  writeUnitFile(path, text, mode);
  return async () => {
    if (old === undefined) await removeUnitFile(path);
    else writeUnitFile(path, old, mode);
  };
}

/** What is no file, and a file that cannot be read, are for the one who writes to say. */
function oldText(path: string): string | undefined {
  try {
    return readRegularFile(path, MAX_FILE_BYTES).toString('utf8');
  } catch {
    return undefined;
  }
}

/**
 * Writes a file of a service's that everybody can read.
 *
 * @throws TshuttleError ERR_CONFIG when root would write it for somebody else, who could not change it, or it cannot be written
 */
export function writeUnitFile(path: string, text: string, mode = 0o644): void {
  if (isForeignToRoot(path)) {
    throw new TshuttleError('ERR_CONFIG', `root writes no ${path}: it would be in the home of another user`, {
      remedy: 'tshuttle service install without sudo, or with --system for the whole machine',
    });
  }
  try {
    makeFolder(dirname(path), 0o755);
    replaceFile(path, text, { mode });
  } catch (error) {
    throw new TshuttleError('ERR_CONFIG', `cannot write ${path}: ${messageOf(error)}`, {
      remedy: `see what is there (${systemWords().showRights(path)})${unmask(path)}`,
      cause: error,
    });
  }
}

/** A unit that is masked is a link to the null device. */
function unmask(path: string): string {
  return path.endsWith('.service') ? `; one that is masked: systemctl unmask ${basename(path)}` : '';
}

/** A user's units without their systemd, which has a link for each that is enabled. Idempotent. @returns whether there were any */
export async function removeUserUnits(places: UnitPlaces): Promise<boolean> {
  const units = await installedUnits('user', places);
  for (const unit of units) {
    await removeUnitFile(enabledLink(unit, places));
    await removeUnitFile(unitFile('user', unit, places));
  }
  return units.length > 0;
}

/** Whether a user's systemd starts a unit at login. */
export function isUserUnitEnabled(unit: string, places: UnitPlaces): boolean {
  return lstatSync(enabledLink(unit, places), { throwIfNoEntry: false }) !== undefined;
}

/** What `systemctl enable` makes of our `WantedBy=`. */
function enabledLink(unit: string, places: UnitPlaces): string {
  return join(dirname(unitFile('user', unit, places)), 'default.target.wants', unit);
}

/** What a unit says it is; '' where it says nothing. */
export function descriptionOf(unit: string, places: UnitPlaces): string {
  const text = readRegularFile(unitFile('user', unit, places), MAX_FILE_BYTES).toString('utf8');
  return /^Description=(.*)$/m.exec(text)?.[1] ?? '';
}

/** Removes one, and the folders that were made for it, where nothing else is in them. Idempotent. */
export async function removeUnitFile(path: string): Promise<void> {
  await rm(path, { force: true });
  try {
    await rmdir(dirname(path));
    await rmdir(dirname(dirname(path)));
  } catch {
    // Others have files there, too.
  }
}
