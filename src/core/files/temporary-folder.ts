import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { messageOf, TshuttleError } from '../errors.ts';
import { systemWords } from '../systems/system-words.ts';
import { isOwnFolder } from './folders.ts';

/** Where temporary files go wherever TMPDIR leads to nothing; on Windows every user may make such a folder. */
const USUAL = process.platform === 'win32' ? [] : ['/tmp', '/var/tmp'];

/**
 * Makes an empty folder for this user only: in XDG_RUNTIME_DIR, TMPDIR (TEMP on Windows), /tmp or /var/tmp, the first that will do. The caller
 * removes it.
 *
 * @param whyUnfit why a folder of this path would not do; undefined when it would
 * @throws TshuttleError ERR_CONFIG with what is wrong with each
 */
export async function makeTemporaryFolder(
  whyUnfit: (path: string) => string | undefined = () => undefined,
): Promise<string> {
  const { XDG_RUNTIME_DIR: runtime } = process.env;
  const ofSession = runtime !== undefined && isOwnFolder(runtime) ? [runtime] : [];
  const failures: string[] = [];
  for (const folder of new Set([...ofSession, tmpdir(), ...USUAL].filter((path) => isAbsolute(path)))) {
    const path = join(folder, 'tshuttle-');
    const unfit = whyUnfit(`${path}XXXXXX`);
    if (unfit !== undefined) {
      failures.push(`${folder} ${unfit}`);
      continue;
    }
    try {
      return await mkdtemp(path);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  throw new TshuttleError('ERR_CONFIG', `no folder for temporary files: ${failures.join('; ')}`, {
    remedy: `let ${systemWords().temporaryVariable} name a folder that this user can write`,
  });
}
