import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../../core/errors.ts';

const GROUP_OR_OTHERS_MAY_WRITE = 0o022;

/**
 * Says who but root could change what a path leads to: the file, a folder above it, or, where there are links, theirs.
 *
 * @returns undefined when nobody could; a reason for people otherwise
 */
export function whyNotRootsAlone(path: string): string | undefined {
  const owners = trustedOwners();
  try {
    for (const part of new Set([...withParents(path), ...withParents(realpathSync(path))])) {
      const status = statSync(part);
      if (!owners.has(status.uid)) return `${part} belongs to user ${status.uid}`;
      if ((status.mode & GROUP_OR_OTHERS_MAY_WRITE) !== 0)
        return `${part} can be written by others than root`;
    }
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function withParents(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...withParents(parent)];
}

/**
 * Root; and in a user namespace that does not map the machine's root, the overflow uid that stands for it. There the
 * process has no power outside the namespace, so a file of another unmapped user would gain nothing either.
 */
export function trustedOwners(): ReadonlySet<number> {
  try {
    const [insideFirst, outsideFirst] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/);
    if (insideFirst === '0' && outsideFirst === '0') return new Set([0]);
    return new Set([0, Number(readFileSync('/proc/sys/kernel/overflowuid', 'utf8'))]);
  } catch {
    return new Set([0]);
  }
}
