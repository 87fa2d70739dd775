import { realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { trustedOwners } from './root-owned.ts';

/** Where root's tools are; PATH is not asked. The last is NixOS. */
const FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin', '/usr/local/sbin', '/run/current-system/sw/bin'];

const GROUP_OR_OTHERS_MAY_WRITE = 0o022;
const ANYBODY_MAY_RUN = 0o111;

/**
 * Finds a tool by its name.
 *
 * @returns its absolute path, or undefined when there is none that only root can change
 */
export function findTool(name: string): string | undefined {
  const owners = trustedOwners();
  return FOLDERS.map((folder) => join(folder, name)).find((path) => isRootsOwn(path, owners));
}

function isRootsOwn(path: string, owners: ReadonlySet<number>): boolean {
  try {
    const real = realpathSync(path);
    if ((statSync(real).mode & ANYBODY_MAY_RUN) === 0) return false;
    return [path, dirname(path), real, dirname(real)].every((part) => {
      const status = statSync(part);
      return owners.has(status.uid) && (status.mode & GROUP_OR_OTHERS_MAY_WRITE) === 0;
    });
  } catch {
    return false;
  }
}
