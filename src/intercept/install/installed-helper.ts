import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whyNotRootsAlone } from '../root-owned.ts';

/** Where the helper is copied to, so that sudo may run it for a user who can write where tshuttle itself is. */
export const INSTALLED_FOLDER = '/usr/local/libexec/tshuttle';

/** What sudo is told to run, without arguments. */
export const INSTALLED_HELPER = join(INSTALLED_FOLDER, 'helper');

/** The installation that this runs from, whether from src/ or dist/. */
export const OWN_FOLDER = fileURLToPath(new URL('../../..', import.meta.url));

/** The version in a folder's package.json; undefined where there is none that can be read. */
export function versionIn(folder: string): string | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as unknown;
    const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
    return version ? String(manifest.version) : undefined;
  } catch {
    return undefined;
  }
}

/** The copy of the helper, when there is one that is of our version and that only root can change. */
export function findInstalledHelper(): string | undefined {
  if (versionIn(INSTALLED_FOLDER) !== versionIn(OWN_FOLDER)) return undefined;
  return whyNotRootsAlone(INSTALLED_HELPER) === undefined ? INSTALLED_HELPER : undefined;
}
