import { readdirSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { expandTilde } from '../../../core/accounts.ts';
import { readRegularFile } from '../../../core/files/regular-file.ts';

/** As in OpenSSH (readconf.c, READCONF_MAX_DEPTH). */
const MAX_DEPTH = 16;

/** More than this is no configuration. */
const MAX_FILES = 100;
const MAX_FILE_BYTES = 262_144;

/** Where a search has come to. */
interface Search {
  /** Where relative names begin: the folder of the first file (ssh_config(5), Include). */
  readonly relativeTo: string;
  readonly home: string;
  readonly depth: number;
  readonly seen: Set<string>;
}

/**
 * The files of root's that `ssh` reads by Include. In a user namespace that does not map root they belong to nobody, and ssh
 * refuses them, "Bad owner or permissions", and with them every connection (readconf.c, SSHCONF_CHECKPERM).
 *
 * @param home the user's
 * @param system the folder of the system's configuration
 */
export function includedFilesOfRoot(home: string, system = '/etc/ssh'): readonly string[] {
  const seen = new Set<string>();
  const own = join(home, '.ssh');
  collect(join(own, 'config'), { relativeTo: own, home, depth: 0, seen });
  collect(join(system, 'ssh_config'), { relativeTo: system, home, depth: 0, seen });
  return [...seen].filter(isRoots);
}

function collect(file: string, search: Search): void {
  if (search.depth >= MAX_DEPTH) return;
  for (const pattern of includePatterns(textOf(file) ?? '')) {
    const expanded = expandTilde(pattern, search.home);
    const absolute = isAbsolute(expanded) ? expanded : join(search.relativeTo, expanded);
    for (const path of matches(absolute)) {
      if (search.seen.has(path) || search.seen.size >= MAX_FILES) continue;
      search.seen.add(path);
      collect(path, { ...search, depth: search.depth + 1 });
    }
  }
}

/** The words behind every Include, also below a Host or Match that does not hold: ssh checks those files, too. */
function includePatterns(text: string): readonly string[] {
  return [...text.matchAll(/^[ \t]*include(?:[ \t]*=[ \t]*|[ \t]+)(.*)$/gim)].flatMap(([, words = '']) =>
    [...words.matchAll(/"([^"]*)"|([^\s"]+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
  );
}

/** The files of a glob(7) pattern; in any part of a path. */
function matches(pattern: string): readonly string[] {
  const [, ...parts] = pattern.split('/');
  let paths = [''];
  for (const part of parts) {
    paths = /[*?[]/.test(part)
      ? paths.flatMap((path) => namesIn(path || '/', part).map((name) => `${path}/${name}`))
      : paths.map((path) => `${path}/${part}`);
  }
  return paths;
}

function namesIn(folder: string, glob: string): readonly string[] {
  const escaped = glob.replaceAll(/[.+^${}()|\\]/g, '\\$&').replaceAll('[!', '[^');
  const text = escaped.replaceAll('*', '.*').replaceAll('?', '.');
  try {
    const expression = new RegExp(`^${text}$`);
    return readdirSync(folder)
      .filter((name) => expression.test(name) && (glob.startsWith('.') || !name.startsWith('.')))
      .sort();
  } catch {
    return []; // no such folder, or no pattern: nothing is included
  }
}

/** What ssh would take outside of the namespace; it refuses a file of another user, or that others may write, anywhere. */
function isRoots(path: string): boolean {
  try {
    const status = statSync(path);
    return status.isFile() && status.uid === 0 && (status.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readRegularFile(path, MAX_FILE_BYTES).toString('utf8');
  } catch {
    return undefined; // not there, or not to be read
  }
}
