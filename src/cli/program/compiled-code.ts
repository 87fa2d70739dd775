import { rmSync } from 'node:fs';
import module from 'node:module';
import { isAbsolute, join } from 'node:path';
import { homeFolder, ownAccount } from '../../core/accounts.ts';
import { isForeignToRoot, isOwnFolder, makeFolder } from '../../core/files/folders.ts';
import { readVersion } from '../version.ts';

/** Since Node.js 22.1. */
const { enableCompileCache } = module as {
  enableCompileCache?: (folder: string) => unknown;
};

/**
 * Has Node.js keep at its end what it compiled of us, and take what an earlier process has kept: a command costs a fifth less
 * (native-notes/module-loading.md). NODE_DISABLE_COMPILE_CACHE=1 turns it off, as for every program of Node.js.
 */
export function keepCompiledCode(): void {
  if (enableCompileCache === undefined || process.env['NODE_DISABLE_COMPILE_CACHE'] === '1') return;
  const folder = prepareFolder(compiledCodeFolder(), readVersion());
  if (folder !== undefined) enableCompileCache(folder);
}

/** What the place of compiled code depends on. */
interface CacheSurroundings {
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** HOME; for root that of its account, since HOME may be somebody else's (`sudo -E`). */
  readonly home: string;
}

/**
 * Where compiled code of every version lies. It is run, so it is where nobody but the user can put anything; and root's is in the
 * home of its account, whatever XDG_CACHE_HOME says.
 */
export function compiledCodeFolder(
  { platform, isRoot, environment, home }: CacheSurroundings = ownSurroundings(),
): string {
  const below = (cacheHome: string): string => join(cacheHome, 'tshuttle', 'compiled');
  const usual = platform === 'darwin' ? ['Library', 'Caches'] : ['.cache'];
  if (isRoot) return below(join(home, ...usual));
  const named = environment[platform === 'win32' ? 'LOCALAPPDATA' : 'XDG_CACHE_HOME'];
  return below(named !== undefined && isAbsolute(named) ? named : join(home, ...usual));
}

function ownSurroundings(): CacheSurroundings {
  const isRoot = process.geteuid?.() === 0;
  return {
    platform: process.platform,
    isRoot,
    environment: process.env,
    // Only root's account is asked for: that of another may be in a directory service, for which every command would wait.
    home: isRoot ? ownAccount().homeDirectory : homeFolder(),
  };
}

/**
 * Makes the folder of a version, and removes those of others, so that upgrades add nothing up. Idempotent.
 *
 * @returns undefined where it cannot be made, or is of somebody else: that costs time alone
 */
export function prepareFolder(all: string, version: string): string | undefined {
  const folder = join(all, version);
  try {
    if (isOwnFolder(folder)) return folder;
    if (isForeignToRoot(all)) return undefined;
    rmSync(all, { recursive: true, force: true });
    makeFolder(folder);
    return folder;
  } catch {
    return undefined;
  }
}
