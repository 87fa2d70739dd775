import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemCodeOf } from '../../../core/errors.ts';
import { isSameOwner, type RuleOwner } from '../../rules/redirect-plan.ts';
import { isZoneName } from '../../rules/resolver-files.ts';
import { ownerOfResolverFile } from './resolver-file-text.ts';

const GROUP_OR_OTHERS_MAY_WRITE = 0o022;
/** Ours have some 120 bytes. */
const MAX_TEXT_BYTES = 4_096;
const MAX_FILES = 4_096;

/** What is at the place of a zone's file. */
export type SeenFile =
  | { readonly kind: 'none' }
  | { readonly kind: 'ours'; readonly owner: RuleOwner; readonly text: string }
  /** Of somebody else; or a link, a folder, or what cannot be read: nothing that we have made. */
  | { readonly kind: 'foreign' };

/**
 * The folder of the files by which macOS asks others about zones, `/etc/resolver`. Names come checked, and are joined to nothing but
 * the folder. No file is ever opened for writing: one appears whole by a link that does not replace, and goes by its name when what is
 * there is ours.
 */
export class ResolverFolder {
  readonly #folder: string;
  readonly #scratch: string;

  /** @param scratch a folder of root's own on the same file system, in which files are made */
  constructor(folder: string, scratch: string) {
    this.#folder = folder;
    this.#scratch = scratch;
  }

  /** Of a zone, for people. */
  pathOf(zone: string): string {
    if (!isZoneName(zone)) throw new Error('not the name of a zone');
    return join(this.#folder, zone);
  }

  /** @throws Error with the system's reason, also where others than root can change the folder */
  see(zone: string): SeenFile {
    return this.#isThere() ? seeFile(this.pathOf(zone)) : { kind: 'none' };
  }

  /** @returns false where somebody has made one meanwhile. @throws Error with the system's reason */
  create(zone: string, text: string): boolean {
    const path = this.pathOf(zone);
    this.#make();
    // Whoever sees it appear reads all of it.
    const made = join(this.#scratch, `resolver.${randomBytes(8).toString('hex')}`);
    try {
      writeFileSync(made, text, { flag: 'wx', mode: 0o644 });
      linkSync(made, path);
      return true;
    } catch (error) {
      if (systemCodeOf(error) === 'EEXIST') return false;
      if (systemCodeOf(error) !== 'EXDEV') throw error;
      return this.#createInPlace(path, text);
    } finally {
      removeIfAny(made);
    }
  }

  /** Removes the file of a zone if it is of this owner. Idempotent. @throws Error with the system's reason */
  remove(zone: string, owner: RuleOwner): void {
    const seen = this.see(zone);
    if (seen.kind !== 'ours' || !isSameOwner(seen.owner, owner)) return;
    removeIfAny(this.pathOf(zone));
  }

  /** All files of ours, of whichever tunnel. @throws Error with the system's reason */
  ours(): ReadonlyArray<{ readonly zone: string; readonly owner: RuleOwner }> {
    if (!this.#isThere()) return [];
    return readdirSync(this.#folder)
      .filter(isZoneName)
      .slice(0, MAX_FILES)
      .flatMap((zone) => {
        const seen = seeFile(this.pathOf(zone));
        return seen.kind === 'ours' ? [{ zone, owner: seen.owner }] : [];
      });
  }

  /** Removes the folder where nothing is in it: macOS has none by itself. */
  removeIfEmpty(): void {
    try {
      rmdirSync(this.#folder);
    } catch {
      // There is something in it, or it is not there.
    }
  }

  #make(): void {
    if (this.#isThere()) return;
    try {
      mkdirSync(this.#folder, { mode: 0o755 });
    } catch (error) {
      if (systemCodeOf(error) !== 'EEXIST') throw error;
    }
    this.#isThere();
  }

  /** @throws Error where it is no folder of root's: what we write in it could then land elsewhere */
  #isThere(): boolean {
    let status: ReturnType<typeof lstatSync>;
    try {
      status = lstatSync(this.#folder);
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return false;
      throw error;
    }
    const isOurs = status.isDirectory() && (status.uid === 0 || status.uid === process.geteuid?.());
    if (!isOurs || (status.mode & GROUP_OR_OTHERS_MAY_WRITE) !== 0)
      throw new Error(`${this.#folder} is not root's own`);
    return true;
  }

  #createInPlace(path: string, text: string): boolean {
    try {
      writeFileSync(path, text, { flag: 'wx', mode: 0o644 });
      return true;
    } catch (error) {
      if (systemCodeOf(error) === 'EEXIST') return false;
      throw error;
    }
  }
}

function seeFile(path: string): SeenFile {
  let descriptor: number;
  try {
    // A pipe would have us wait.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return systemCodeOf(error) === 'ENOENT' ? { kind: 'none' } : { kind: 'foreign' };
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile() || (status.uid !== 0 && status.uid !== process.geteuid?.()))
      return { kind: 'foreign' };
    const bytes = Buffer.alloc(MAX_TEXT_BYTES);
    const text = bytes.toString('utf8', 0, readSync(descriptor, bytes));
    const owner = ownerOfResolverFile(text);
    return owner === undefined ? { kind: 'foreign' } : { kind: 'ours', owner, text };
  } catch {
    return { kind: 'foreign' };
  } finally {
    closeSync(descriptor);
  }
}

function removeIfAny(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
}
