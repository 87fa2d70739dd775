import { existsSync } from 'node:fs';
import { chmod, chown, cp, lstat, mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import { makeFolder } from '../../core/files/folders.ts';
import { INSTALLATION_FOLDER } from '../../core/installation.ts';
import { whyNotRootsAlone } from '../../net/machine/root-owned.ts';
import { INSTALLED_FOLDER, INSTALLED_NODE, manifestIn } from './installed-helper.ts';
import { checkCopy, librariesOf, planNode, requireSelfContained } from './node-copy.ts';

/** All that runs as root, as it is built. */
const PROGRAMS = join('dist', 'root');

/** What was installed. */
export interface InstalledFiles {
  readonly version: string;
  /** Whether Node.js had to be copied, too: ours can be changed by others than root. */
  readonly nodeCopied: boolean;
}

/**
 * Copies the helper, koffi and, where others than root could change it, Node.js with its libraries to {@link INSTALLED_FOLDER},
 * all root's. What was there before is replaced as a whole. As root.
 *
 * @throws TshuttleError ERR_CONFIG when others could change a folder above it, or what Node.js would load
 */
export async function installHelper(nodePath: string): Promise<InstalledFiles> {
  const parent = dirname(INSTALLED_FOLDER);
  const parentMade = !existsSync(parent) || manifestIn(INSTALLED_FOLDER).parentMade;
  makeFolder(parent, 0o755);
  const why = whyNotRootsAlone(parent);
  if (why !== undefined) {
    throw new TshuttleError('ERR_CONFIG', `nothing in ${parent} can be granted: ${why}`, {
      remedy: 'have it belong to root, and be written by nobody else: chown root, chmod go-w',
    });
  }
  if (process.platform === 'darwin') requireSelfContained(nodePath);
  const node = planNode(nodePath, librariesOf(nodePath));
  const nodeCopied = node.kind === 'copy';
  const fresh = `${INSTALLED_FOLDER}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o755 });
  const version = manifestIn(INSTALLATION_FOLDER).version ?? '';
  try {
    await copy(join(INSTALLATION_FOLDER, PROGRAMS), join(fresh, PROGRAMS));
    for (const [name, folder] of koffiFolders()) await copy(folder, join(fresh, 'node_modules', name));
    for (const { from, to } of nodeCopied ? node.files : []) await copy(from, join(fresh, to));
    const interpreter = nodeCopied ? INSTALLED_NODE : nodePath;
    const helper = `#!${interpreter}\nrequire('./${PROGRAMS}/helper.js');\n`;
    await writeFile(join(fresh, 'helper'), helper);
    const manifest = { name: 'tshuttle-helper', version, parentMade };
    await writeFile(join(fresh, 'package.json'), `${JSON.stringify(manifest)}\n`);
    await makeRoots(fresh);
    if (nodeCopied) checkCopy(join(fresh, relative(INSTALLED_FOLDER, INSTALLED_NODE)), nodePath);
    await rm(INSTALLED_FOLDER, { recursive: true, force: true });
    await rename(fresh, INSTALLED_FOLDER);
    return { version, nodeCopied };
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Removes it, and the folder above where that was made for it and is empty. As root. Idempotent. */
export async function uninstallHelper(): Promise<void> {
  const { parentMade } = manifestIn(INSTALLED_FOLDER);
  await rm(INSTALLED_FOLDER, { recursive: true, force: true });
  if (parentMade) await rmdir(dirname(INSTALLED_FOLDER)).catch(() => {}); // somebody else's files are in it
}

/** koffi, and the package with its binary for this platform. */
function koffiFolders(): ReadonlyArray<readonly [string, string]> {
  const binary = `@koromix/koffi-${process.platform}-${process.arch}`;
  try {
    const koffi = createRequire(import.meta.url).resolve('koffi');
    const platform = createRequire(koffi).resolve(binary);
    return [
      ['koffi', dirname(koffi)],
      [binary, dirname(platform)],
    ];
  } catch (error) {
    throw new TshuttleError('ERR_INTERNAL', `koffi is not installed: ${messageOf(error)}`, { cause: error });
  }
}

/** What links lead to is copied, not the links: those could lead to what others can change. */
async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, { recursive: true, dereference: true });
}

async function makeRoots(path: string): Promise<void> {
  await chown(path, 0, 0);
  const status = await lstat(path);
  const isProgram = ['helper', 'node'].includes(basename(path));
  await chmod(path, status.isDirectory() || isProgram ? 0o755 : 0o644);
  if (!status.isDirectory()) return;
  for (const name of await readdir(path)) await makeRoots(join(path, name));
}
