import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { makeFolder } from '../core/folders.ts';
import type { Logger } from '../core/log.ts';
import type { SavedMapping } from './synthetic-addresses.ts';

/** Parts of the range: a tunnel has one to itself, so that several tunnels live side by side. */
export const BLOCK_COUNT = 16;

/** 8,000 names of 253 characters. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** New names are written together. */
const SAVE_DELAY_MS = 250;

/** What a tunnel had in its last run: which part of the range, and which address each name. */
export interface SavedBlock {
  readonly block: number;
  readonly mappings: readonly SavedMapping[];
}

/**
 * Keeps a tunnel's synthetic addresses from one run to the next, one small file for each part of the range: clients
 * remember addresses, and an address must not come to stand for another name. Without a folder that can be written to
 * nothing is kept, and nothing else is lost.
 */
export class MappingStore {
  readonly saved: SavedBlock;
  readonly #file: string;
  readonly #key: string;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #unsaved: (() => readonly SavedMapping[]) | undefined;

  /**
   * Finds the tunnel's block, or takes a free one, or else the one that was not used for longest.
   *
   * @param folder made when missing
   * @param tunnel tells tunnels apart: its bastion and zones
   */
  constructor(folder: string, tunnel: string, logger: Logger) {
    this.#logger = logger;
    this.#key = createHash('sha256').update(tunnel).digest('hex');
    const block = this.#choose(folder);
    this.#file = fileOf(folder, block);
    const known = readBlock(this.#file);
    this.saved = { block, mappings: known?.key === this.#key ? known.mappings : [] };
    // Taken from now on, though there may be no name yet.
    this.#write(this.saved.mappings);
  }

  /** Writes soon. @param mappings asked when it is time */
  saveSoon(mappings: () => readonly SavedMapping[]): void {
    this.#unsaved = mappings;
    this.#timer ??= setTimeout(() => this.flush(), SAVE_DELAY_MS).unref();
  }

  /** Writes what waits to be written. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const mappings = this.#unsaved;
    this.#unsaved = undefined;
    if (mappings !== undefined) this.#write(mappings());
  }

  #choose(folder: string): number {
    try {
      makeFolder(folder);
    } catch {
      // Writing says so.
    }
    const blocks = Array.from({ length: BLOCK_COUNT }, (_, block) => block);
    const own = blocks.find((block) => readBlock(fileOf(folder, block))?.key === this.#key);
    if (own !== undefined) return own;
    for (const block of blocks) if (this.#claim(fileOf(folder, block))) return block;
    return blocks.sort((a, b) => lastUseMs(fileOf(folder, a)) - lastUseMs(fileOf(folder, b)))[0]!;
  }

  /** Whoever makes the file first has it. */
  #claim(file: string): boolean {
    try {
      writeFileSync(file, render(this.#key, []), { flag: 'wx', mode: 0o600 });
      return true;
    } catch {
      return false;
    }
  }

  /** Whole or not at all: by a file of its own that takes the other's place. */
  #write(mappings: readonly SavedMapping[]): void {
    const temporary = `${this.#file}.${randomBytes(6).toString('hex')}`;
    try {
      writeFileSync(temporary, render(this.#key, mappings), { flag: 'wx', mode: 0o600 });
      renameSync(temporary, this.#file);
    } catch (error) {
      removeIfThere(temporary);
      this.#logger.warn(
        `names will have other synthetic addresses after a restart: cannot write ${this.#file}: ${messageOf(error)}`,
      );
    }
  }
}

function removeIfThere(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // What could not be made is not there.
  }
}

function fileOf(folder: string, block: number): string {
  return join(folder, `${block}.json`);
}

function lastUseMs(file: string): number {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

function render(key: string, mappings: readonly SavedMapping[]): string {
  return `${JSON.stringify({ key, mappings: mappings.map(({ name, offset }) => [name, offset]) })}\n`;
}

/** Undefined for what is not a file of ours, whole: then it is as if there were none. */
function readBlock(
  file: string,
): { readonly key: string; readonly mappings: readonly SavedMapping[] } | undefined {
  try {
    if (statSync(file).size > MAX_FILE_BYTES) return undefined;
    const value = JSON.parse(readFileSync(file, 'utf8')) as { key?: unknown; mappings?: unknown } | null;
    if (typeof value?.key !== 'string' || !Array.isArray(value.mappings)) return undefined;
    const mappings = value.mappings.flatMap((pair: unknown): SavedMapping[] => {
      if (!Array.isArray(pair)) return [];
      const [name, offset] = pair as unknown[];
      return typeof name === 'string' && typeof offset === 'number' ? [{ name, offset }] : [];
    });
    return { key: value.key, mappings };
  } catch {
    return undefined;
  }
}
