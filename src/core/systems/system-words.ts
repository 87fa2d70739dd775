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

/** The arguments of a tunnel, for a line to type: one that captures, or a proxy where nothing can be captured. */
export function exampleArguments({ redirector }: SystemWords = systemWords()): string {
  return `-r BASTION ${redirector === undefined ? '--socks 1080' : 'SUBNET'}`;
}
