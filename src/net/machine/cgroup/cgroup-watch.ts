import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** What became of a control group. */
export type CgroupChange = 'gone' | 'there' | 'another';

/**
 * Tells when control groups come, go, or come back as others: a rule means the one that was there when the rule was made, and a
 * service that is started again has a new one by the old name.
 *
 * It watches the folders above them, as far as there are any, by inotify, which the kernel has for cgroup2, too.
 */
export class CgroupWatch {
  readonly #root: string;
  /** By the path of each, the number by which the kernel knows it; undefined where there is none. */
  readonly #known: Map<string, bigint | undefined>;
  readonly #onChange: (cgroup: string, change: CgroupChange) => void;
  /** By the folder of each, with the number by which the kernel knows that: inotify follows a folder, not its path. */
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly id: bigint }>();
  #isClosed = false;

  /** @param root where cgroup2 is mounted */
  constructor(
    root: string,
    cgroups: readonly string[],
    onChange: (cgroup: string, change: CgroupChange) => void,
  ) {
    this.#root = root;
    this.#onChange = onChange;
    this.#known = new Map(cgroups.map((cgroup) => [cgroup, this.#idOf(cgroup)]));
    this.#look();
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #idOf(cgroup: string): bigint | undefined {
    return statSync(`${this.#root}/${cgroup}`, { throwIfNoEntry: false, bigint: true })?.ino;
  }

  #look(): void {
    if (this.#isClosed) return;
    // What comes between the two is seen by the one or by the other.
    this.#watchFolders();
    for (const [cgroup, before] of this.#known) {
      const now = this.#idOf(cgroup);
      if (now === before) continue;
      this.#known.set(cgroup, now);
      this.#onChange(cgroup, now === undefined ? 'gone' : before === undefined ? 'there' : 'another');
    }
  }

  #watchFolders(): void {
    const folders = new Set([...this.#known.keys()].flatMap((cgroup) => foldersAbove(cgroup)));
    for (const folder of folders) {
      // Before it is watched: one that comes in between is told apart by the next look.
      const id = this.#idOf(folder);
      if (this.#watchers.get(folder)?.id === id) continue;
      this.#forget(folder);
      if (id === undefined) continue;
      try {
        const watcher = watch(`${this.#root}/${folder}`, { persistent: false }, () => this.#look());
        watcher.on('error', () => this.#forget(folder));
        this.#watchers.set(folder, { watcher, id });
      } catch {
        // It is not there: the one above tells when it comes.
      }
    }
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.watcher.close();
    this.#watchers.delete(folder);
  }
}

/** `['a/b', 'a', '.']` of `a/b/c`. */
function foldersAbove(cgroup: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = dirname(cgroup); ; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === '.') return folders;
  }
}
