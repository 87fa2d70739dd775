import { FREEBSD, MACOS, OTHER } from './systems/bsd.ts';
import { LINUX } from './systems/linux.ts';
import { WINDOWS } from './systems/windows.ts';
import type { SystemWords } from './systems/words.ts';

const SYSTEMS: Partial<Record<NodeJS.Platform, SystemWords>> = {
  linux: LINUX,
  darwin: MACOS,
  freebsd: FREEBSD,
  win32: WINDOWS,
};

/** The words of a system, as Node.js names it. */
export function systemWords(platform: NodeJS.Platform = process.platform): SystemWords {
  return SYSTEMS[platform] ?? { ...OTHER, platform, name: platform };
}
