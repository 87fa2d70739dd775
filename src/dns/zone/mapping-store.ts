import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import { makeFolder } from '../../core/files/folders.ts';
import { readRegularFile, replaceFile } from '../../core/files/regular-file.ts';
import type { Logger } from '../../core/log.ts';
import type { ReleaseLock } from '../../net/machine/locked-file.ts';
import type { SavedMapping } from './synthetic-addresses.ts';

/** 8,189 names of 253 characters. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** New names are written together. */
const SAVE_DELAY_MS = 250;

/** A block of a tunnel that did not run for so long is as good as free for one that needs more. */
const FORGOTTEN_AFTER_MS = 30 * 24 * 3_600_000;

/** A part of the range, and which address each name had in it in the last run. */
export interface SavedBlock {
  readonly block: number;
  readonly mappings: readonly SavedMapping[];
}

/** Dependencies of {@link MappingStore}. */
export interface MappingStoreOptions {
  /** Made when missing. */
  readonly folder: string;
  /** Tells tunnels apart: its bastion and zones. */
  readonly tunnel: string;
  /** Into how many blocks the range is divided. */
  readonly blockCount: number;
  /** No other tunnel that runs on this machine, of this or, on Linux, another user, has a block that is locked. */
  readonly lock: (block: number) => Promise<ReleaseLock | undefined>;
}

/**
 * Keeps a tunnel's synthetic addresses from one run to the next, one small file for each block of the range: clients
 * remember addresses, and an address must not come to stand for another name. Without a folder that can be written to
 * nothing is kept, and nothing else is lost.
 */
export class MappingStore {
  readonly #options: MappingStoreOptions;
  readonly #key: string;
  readonly #logger: Logger;
  readonly #held = new Map<number, ReleaseLock>();
  readonly #unsaved = new Map<number, () => readonly SavedMapping[]>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(options: MappingStoreOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#key = createHash('sha256').update(options.tunnel).digest('hex');
  }

  /**
   * Finds the tunnel's blocks, or takes a free one, or else the one that was not used for longest.
   *
   * @returns its blocks: at least one
   * @throws TshuttleError ERR_USAGE when other tunnels that run have them all
   */
  static async open(
    options: MappingStoreOptions,
    logger: Logger,
  ): Promise<{ readonly store: MappingStore; readonly saved: readonly SavedBlock[] }> {
    const store = new MappingStore(options, logger);
    try {
      makeFolder(options.folder);
    } catch {
      // Writing says so.
    }
    const own = store.#blocks().filter((block) => store.#read(block)?.key === store.#key);
    const saved: SavedBlock[] = [];
    for (const block of own) saved.push(...(await store.#claim(block)));
    if (saved.length === 0) saved.push(...(await store.#takeFirst(store.#freeFirst())));
    if (saved.length > 0) return { store, saved };
    throw new TshuttleError(
      'ERR_USAGE',
      `names in zones get no addresses: other tunnels that run have all ${options.blockCount} parts of the synthetic range`,
      { remedy: 'name another network by --synthetic-range, or end one of them' },
    );
  }

  /** One more block, which no tunnel has; undefined when there is none. */
  async takeAnother(): Promise<SavedBlock | undefined> {
    const forgottenBeforeMs = Date.now() - FORGOTTEN_AFTER_MS;
    const free = this.#freeFirst().filter((block) => lastUseMs(this.#file(block)) < forgottenBeforeMs);
    return (await this.#takeFirst(free))[0];
  }

  /** Writes soon. @param mappings asked when it is time */
  saveSoon(block: number, mappings: () => readonly SavedMapping[]): void {
    this.#unsaved.set(block, mappings);
    this.#timer ??= setTimeout(() => this.#flush(), SAVE_DELAY_MS).unref();
  }

  /** Writes down what each block has now, for how long it was not used, and gives the blocks back. Once. */
  close(mappings: ReadonlyMap<number, () => readonly SavedMapping[]>): void {
    clearTimeout(this.#timer);
    this.#isClosed = true;
    for (const [block, mappingsOf] of mappings) this.#write(block, mappingsOf());
    for (const release of this.#held.values()) release();
    this.#held.clear();
  }

  #flush(): void {
    this.#timer = undefined;
    for (const [block, mappings] of this.#unsaved) this.#write(block, mappings());
    this.#unsaved.clear();
  }

  #blocks(): number[] {
    return Array.from({ length: this.#options.blockCount }, (_, block) => block);
  }

  /** Those without a file, then the ones whose tunnel did not run for longest. Users begin at different ones. */
  #freeFirst(): readonly number[] {
    const blocks = this.#blocks().filter((block) => !this.#held.has(block));
    const first = (process.getuid?.() ?? 0) % this.#options.blockCount;
    const turned = [...blocks.filter((block) => block >= first), ...blocks.filter((block) => block < first)];
    const lastUse = new Map(turned.map((block) => [block, lastUseMs(this.#file(block))]));
    return turned.sort((a, b) => (lastUse.get(a) ?? 0) - (lastUse.get(b) ?? 0));
  }

  async #takeFirst(blocks: readonly number[]): Promise<readonly SavedBlock[]> {
    for (const block of blocks) {
      const taken = await this.#claim(block);
      if (taken.length > 0) return taken;
    }
    return [];
  }

  /** None when another tunnel has it. From now on it is this one's, though there may be no name yet. */
  async #claim(block: number): Promise<readonly SavedBlock[]> {
    const release = await this.#options.lock(block);
    if (release === undefined) return [];
    if (this.#isClosed) {
      release();
      return [];
    }
    this.#held.set(block, release);
    const known = this.#read(block);
    const mappings = known?.key === this.#key ? known.mappings : [];
    this.#write(block, mappings);
    return [{ block, mappings }];
  }

  #file(block: number): string {
    return join(this.#options.folder, `${block}.json`);
  }

  #read(block: number): KnownBlock | undefined {
    return readBlock(this.#file(block));
  }

  #write(block: number, mappings: readonly SavedMapping[]): void {
    const file = this.#file(block);
    // Only what is written last tells for how long names were not used.
    const endedAtMs = this.#isClosed ? Date.now() : undefined;
    try {
      replaceFile(file, render(this.#key, mappings, endedAtMs), { mode: 0o600 });
    } catch (error) {
      this.#logger.warn(
        `names will have other synthetic addresses after a restart: cannot write ${file}: ${messageOf(error)}`,
      );
    }
  }
}

function lastUseMs(file: string): number {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

interface KnownBlock {
  readonly key: string;
  readonly mappings: readonly SavedMapping[];
}

function render(key: string, mappings: readonly SavedMapping[], endedAtMs: number | undefined): string {
  const rows = mappings.map(({ name, offset, unusedForMs }) =>
    endedAtMs === undefined ? [name, offset] : [name, offset, unusedForMs],
  );
  return `${JSON.stringify({ key, endedAtMs, mappings: rows })}\n`;
}

/** Undefined for what is not a file of ours, whole: then it is as if there were none. */
function readBlock(file: string): KnownBlock | undefined {
  try {
    const value = JSON.parse(readRegularFile(file, MAX_FILE_BYTES).toString('utf8')) as Record<
      string,
      unknown
    > | null;
    if (typeof value?.['key'] !== 'string' || !Array.isArray(value['mappings'])) return undefined;
    const { endedAtMs } = value;
    const sinceMs = typeof endedAtMs === 'number' ? Math.max(Date.now() - endedAtMs, 0) : undefined;
    const mappings = value['mappings'].flatMap((row: unknown): SavedMapping[] => {
      if (!Array.isArray(row)) return [];
      const [name, offset, unusedMs] = row as unknown[];
      if (typeof name !== 'string' || typeof offset !== 'number') return [];
      const isAgeKnown = sinceMs !== undefined && typeof unusedMs === 'number' && unusedMs >= 0;
      return [{ name, offset, ...(isAgeKnown && { unusedForMs: unusedMs + sinceMs }) }];
    });
    return { key: value['key'], mappings };
  } catch {
    return undefined;
  }
}
