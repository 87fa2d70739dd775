import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type DaemonSurroundings, fileNameOf, stateFoldersOf } from './paths.ts';

/** The logs of this user's tunnels, of those too that are over: by the name of the tunnel, as files have it. */
export function keptLogs(surroundings: DaemonSurroundings): ReadonlyMap<string, string> {
  const logs = new Map<string, string>();
  // A profile comes before a tunnel of a command line that has the same name.
  const folders = stateFoldersOf(surroundings).flatMap((folder) => [join(folder, 'profiles'), folder]);
  for (const folder of folders) {
    for (const file of filesIn(folder)) {
      const name = /^(.+)\.log$/.exec(file)?.[1];
      if (name !== undefined && !logs.has(name)) logs.set(name, join(folder, file));
    }
  }
  return logs;
}

/** The log of a tunnel, which may be over; undefined when it never logged to a file. */
export function keptLogOf(name: string, surroundings: DaemonSurroundings): string | undefined {
  return keptLogs(surroundings).get(fileNameOf(name));
}

/** Whether a file that a daemon names as its log is one of those: no other is opened on its word. */
export function isKeptLog(path: string, surroundings: DaemonSurroundings): boolean {
  const folders = stateFoldersOf(surroundings).flatMap((folder) => [join(folder, 'profiles'), folder]);
  return (
    folders.includes(dirname(path)) &&
    filesIn(dirname(path)).includes(basename(path)) &&
    path.endsWith('.log')
  );
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no tunnel has logged there yet
  }
}
