import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { messageOf, systemCodeOf } from '../../../core/errors.ts';

/** What became of a control group. */
export type CgroupChange = 'gone' | 'there' | 'another';

/** What a {@link CgroupWatch} tells. */
export interface CgroupEvents {
  readonly onChange: (cgroup: string, change: CgroupChange) => void;
  /**
   * Called when the system refuses to watch a folder, so that changes in it go unseen until {@link CgroupWatch.look}, and with undefined
   * when all are watched again.
   *
   * @param code ENOSPC, EMFILE: this user has as many watches, or inotify instances, as the kernel gives him
   */
  readonly onRefused: (code: string | undefined) => void;
}

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
  readonly #events: CgroupEvents;
  readonly #watchFolder: WatchFolder;
  /** By the folder of each, with the number by which the kernel knows that: inotify follows a folder, not its path. */
  readonly #watchers = new Map<string, { readonly watcher: FolderWatch; readonly id: bigint }>();
  #refusal: string | undefined;
  #isClosed = false;

  /**
   * @param root where cgroup2 is mounted
   * @param watchFolder tests put their own here
   */
  constructor(
    root: string,
    cgroups: readonly string[],
    events: CgroupEvents,
    watchFolder: WatchFolder = watchByInotify,
  ) {
    this.#root = root;
    this.#events = events;
    this.#watchFolder = watchFolder;
    this.#known = new Map(cgroups.map((cgroup) => [cgroup, this.#idOf(cgroup)]));
    this.look();
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

  /** Looks now, also at what could not be watched, and tries to watch that again. */
  look(): void {
    if (this.#isClosed) return;
    // What comes between the two is seen by the one or by the other.
    this.#watchFolders();
    for (const [cgroup, before] of this.#known) {
      const now = this.#idOf(cgroup);
      if (now === before) continue;
      this.#known.set(cgroup, now);
      this.#events.onChange(cgroup, now === undefined ? 'gone' : before === undefined ? 'there' : 'another');
    }
  }

  #watchFolders(): void {
    // The outer ones first: what comes in one before it is watched is found when it is looked for itself.
    const folders = new Set([...this.#known.keys()].flatMap((cgroup) => foldersAbove(cgroup)));
    let refusal: string | undefined;
    for (const folder of folders) {
      // Before it is watched: one that comes in between is told apart by the next look.
      const id = this.#idOf(folder);
      if (this.#watchers.get(folder)?.id === id) continue;
      this.#forget(folder);
      if (id === undefined) continue;
      try {
        const path = `${this.#root}/${folder}`;
        const watcher = this.#watchFolder(path, (name) => {
          // Its own end, after which nothing is told of it; another one may have the same number.
          if (name === basename(path)) this.#forget(folder);
          this.look();
        });
        watcher.on('error', (error) => {
          this.#forget(folder);
          this.#refused(systemCodeOf(error) ?? error.message);
        });
        this.#watchers.set(folder, { watcher, id });
      } catch (error) {
        const code = systemCodeOf(error) ?? messageOf(error);
        // It has just gone: the one above tells when it comes.
        if (code !== 'ENOENT') refusal ??= code;
      }
    }
    this.#refused(refusal);
  }

  #refused(code: string | undefined): void {
    if (this.#isClosed || code === this.#refusal) return;
    this.#refusal = code;
    this.#events.onRefused(code);
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.watcher.close();
    this.#watchers.delete(folder);
  }
}

/** Calls back with the name of what comes or goes in a folder, or with the folder's own. @throws Error with the system's code where it cannot be watched */
export type WatchFolder = (path: string, onEvent: (name: string | null) => void) => FolderWatch;

/** One that the system has taken away tells so by an error. */
type FolderWatch = Pick<FSWatcher, 'on' | 'close'>;

const watchByInotify: WatchFolder = (path, onEvent) =>
  watch(path, { persistent: false }, (_event, name) => onEvent(name));

/** `['.', 'a', 'a/b']` of `a/b/c`. */
function foldersAbove(cgroup: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = dirname(cgroup); ; folder = dirname(folder)) {
    folders.unshift(folder);
    if (folder === '.') return folders;
  }
}
