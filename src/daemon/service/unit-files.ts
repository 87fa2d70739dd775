import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { isForeignToRoot } from '../../core/folders.ts';
import type { Manager } from './systemctl.ts';
import { USER_UNIT } from './units.ts';

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
  const texts = await Promise.all(candidates.map((name) => readFile(join(folder, name), 'utf8')));
  return candidates.filter((_name, index) => texts[index]!.startsWith(WRITTEN_BY_US)).sort();
}

/**
 * Writes a file of systemd's as a whole, or not at all.
 *
 * @throws TshuttleError ERR_CONFIG when root would write it for somebody else, who could not change it
 */
export async function writeUnitFile(path: string, text: string): Promise<void> {
  if (isForeignToRoot(path)) {
    throw new TshuttleError('ERR_CONFIG', `root writes no ${path}: it would be in the home of another user`, {
      remedy: 'tshuttle service install without sudo, or with --system for the whole machine',
    });
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  // systemd reads no file of that ending.
  const fresh = `${path}.new`;
  try {
    await writeFile(fresh, text, { mode: 0o644 });
    await rename(fresh, path);
  } finally {
    await rm(fresh, { force: true });
  }
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
