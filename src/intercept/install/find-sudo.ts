import { accessSync, constants, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** Root's own folders: sudo must not be taken from elsewhere. The last is NixOS. */
const FOLDERS = ['/usr/bin', '/bin', '/usr/local/bin', '/run/wrappers/bin'];

/** The absolute path of this machine's sudo, if there is one that we may run. */
export function findSudo(): string | undefined {
  return FOLDERS.map((folder) => join(folder, 'sudo')).find(isExecutable);
}

/** Whether a sudo is sudo-rs, which Ubuntu has from 25.10 on: by where distributions put it (native-notes/sudo-helper.md). */
export function isSudoRs(path: string | undefined): boolean {
  if (path === undefined) return false;
  try {
    return /\/(?:sudo-rs|cargo\/bin\/sudo)$/.test(realpathSync(path));
  } catch {
    return false;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
