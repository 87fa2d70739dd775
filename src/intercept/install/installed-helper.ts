import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { INSTALLATION_FOLDER } from '../../core/installation.ts';
import { whyNotRootsAlone } from '../../net/machine/root-owned.ts';

/** Where the helper is copied to, so that sudo may run it for a user who can write where tshuttle itself is. */
const COPY_FOLDER = '/usr/local/libexec/tshuttle';

/** Where the package of Debian has its helper, and beside it a folder for each version of tshuttle (.ci/packaging/debian). */
const PACKAGE_FOLDER = '/usr/lib/tshuttle';

/** Whether this is the tshuttle of that package: its helper is root's alone as it is, so that nothing is to be copied. */
export const IS_PACKAGED: boolean = dirname(INSTALLATION_FOLDER) === PACKAGE_FOLDER;

/** The folder with the helper that sudo may run, and a package.json that tells its version. */
export const INSTALLED_FOLDER: string = IS_PACKAGED ? PACKAGE_FOLDER : COPY_FOLDER;

/** Node.js where it had to be copied: in a folder of its own, since it may look for its libraries beside that. */
export const INSTALLED_NODE = join(INSTALLED_FOLDER, 'bin', 'node');

/** What sudo is told to run, without arguments. */
export const INSTALLED_HELPER: string = join(INSTALLED_FOLDER, 'helper');

/** What another tshuttle of this machine may have told sudo to run, too. */
export const INSTALLED_HELPERS: readonly string[] = [COPY_FOLDER, PACKAGE_FOLDER].map((folder) =>
  join(folder, 'helper'),
);

/** What a folder's package.json says. */
interface Manifest {
  readonly version: string | undefined;
  /** Whether the folder above the installed copy was made for it, and so goes with it. */
  readonly parentMade: boolean;
}

/** Reads a folder's package.json; where there is none that can be read, it says nothing. */
export function manifestIn(folder: string): Manifest {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as unknown;
    if (typeof manifest !== 'object' || manifest === null) throw new Error('it is no object');
    const version = 'version' in manifest ? String(manifest.version) : undefined;
    return { version, parentMade: 'parentMade' in manifest && manifest.parentMade === true };
  } catch {
    return { version: undefined, parentMade: false };
  }
}

/** The helper that sudo may run, when there is one that is of our version and that only root can change. */
export function findInstalledHelper(): string | undefined {
  if (manifestIn(INSTALLED_FOLDER).version !== manifestIn(INSTALLATION_FOLDER).version) return undefined;
  return whyNotRootsAlone(INSTALLED_HELPER) === undefined ? INSTALLED_HELPER : undefined;
}
