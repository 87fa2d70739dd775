import type { Stats } from 'node:fs';

type Owned = Pick<Stats, 'uid'>;
type Guarded = Pick<Stats, 'mode'>;

/**
 * Whether files have an owner and a mode that tell who may open them. On Windows Node.js shows neither: there a folder's access list
 * decides, and those below a user's own folder, %LOCALAPPDATA% among them, are closed to other users.
 */
export function hasFileModes(): boolean {
  return process.platform !== 'win32';
}

/** Whether a file belongs to the user that this process runs as, as far as the system tells. */
export function isOwn({ uid }: Owned): boolean {
  return !hasFileModes() || uid === process.geteuid?.();
}

/** Whether others than the owner have one of these rights: `0o022` is to write. */
export function isOpenTo({ mode }: Guarded, rights: number): boolean {
  return hasFileModes() && (mode & rights) !== 0;
}
