import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTemporaryFolder } from '../../core/files/temporary-folder.ts';

/** An empty file that only its descriptor leads to, so that nothing is left of it in any case. The caller closes it. */
export async function openNamelessFile(): Promise<FileHandle> {
  const folder = await makeTemporaryFolder();
  try {
    return await open(join(folder, 'file'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
