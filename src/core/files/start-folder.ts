import { existsSync } from 'node:fs';

/**
 * Where this process was started: what the user wrote as a relative path is below it. A daemon leaves it, and others may have
 * removed it before; then it is the root.
 */
export const START_FOLDER: string = currentFolder();

/** The same for a child that is over soon, as long as the folder is there: one that lasts keeps its file system busy. */
export function folderForShortChild(): string {
  return existsSync(START_FOLDER) ? START_FOLDER : '/';
}

function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '/'; // ENOENT: it was removed
  }
}
