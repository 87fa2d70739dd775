import { FREEBSD, MACOS, OTHER } from './bsd.ts';
import { LINUX } from './linux.ts';
import { WINDOWS } from './windows.ts';
import type { SystemWords } from './words.ts';

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
