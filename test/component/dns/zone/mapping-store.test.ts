import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MappingStore } from '../../../../src/dns/zone/mapping-store.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { until } from '../../../support/process/until.ts';

const NAMES = [{ name: 'db.internal.example', offset: 7 }];
const BLOCK_COUNT = 16;
/** Where the blocks of a user begin to be taken. */
const FIRST = (process.getuid?.() ?? 0) % BLOCK_COUNT;

describe('MappingStore', () => {
  let folder: string;
  let locked: Set<number>;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tshuttle-store-'));
    locked = new Set();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const lock = async (block: number) => {
    if (locked.has(block)) return undefined;
    locked.add(block);
    return () => void locked.delete(block);
  };
  const open = (tunnel: string, logger = recordingLogger(), within = folder) =>
    MappingStore.open({ folder: within, tunnel, blockCount: BLOCK_COUNT, lock }, logger);
  /** A run of a tunnel that ends in order. */
  const run = async (tunnel: string, mappings = NAMES) => {
    const { store, saved } = await open(tunnel);
    store.close(new Map(saved.map(({ block }) => [block, () => mappings])));
    return saved;
  };
  const file = (block: number) => join(folder, `${block}.json`);

  it('gives each tunnel a block of its own, and what it had in it', async () => {
    expect(await run('a')).toEqual([{ block: FIRST, mappings: [] }]);
    expect(await run('b')).toEqual([{ block: (FIRST + 1) % BLOCK_COUNT, mappings: [] }]);
    expect((await run('a'))[0]).toMatchObject({ block: FIRST, mappings: NAMES });
    expect(readdirSync(folder)).toHaveLength(2);
    expect(locked.size, 'given back').toBe(0);
  });

  it('remembers for how long a name was not used when a tunnel ended in order, and only then', async () => {
    await run('a', [{ name: 'db.a', offset: 1, unusedForMs: 5_000 } as (typeof NAMES)[number]]);
    const { store, saved } = await open('a');
    const [mapping] = saved[0]!.mappings;
    expect(mapping?.unusedForMs).toBeGreaterThanOrEqual(5_000);
    expect(mapping?.unusedForMs).toBeLessThan(3_600_000);
    store.saveSoon(FIRST, () => saved[0]!.mappings);
    await until(() => !readFileSync(file(FIRST), 'utf8').includes('endedAtMs'), {
      deadlineMs: 2_000,
      what: 'the file of a run that goes on',
    });
    // As after SIGKILL: the kernel has given the lock back.
    locked.clear();
    expect((await open('a')).saved[0]!.mappings).toEqual([{ name: 'db.a', offset: 1 }]);
  });

  it('reads what an earlier version has written', async () => {
    await run('a');
    const { key } = JSON.parse(readFileSync(file(FIRST), 'utf8')) as { key: string };
    writeFileSync(file(FIRST), JSON.stringify({ key, mappings: [['old.a', 3]] }));
    expect((await run('a'))[0]?.mappings).toEqual([{ name: 'old.a', offset: 3 }]);
  });

  it('writes soon by itself, whole', async () => {
    const { store } = await open('a');
    store.saveSoon(FIRST, () => NAMES);
    await until(() => readFileSync(file(FIRST), 'utf8').includes('db.internal'), {
      deadlineMs: 2_000,
      what: 'the name in the file',
    });
    expect(readdirSync(folder)).toEqual([`${FIRST}.json`]);
  });

  it('takes the block that was not used for longest when all are taken, but none of a tunnel that runs', async () => {
    for (let index = 0; index < BLOCK_COUNT; index += 1) await run(`tunnel ${index}`);
    utimesSync(file(5), 1_000, 1_000);
    utimesSync(file(6), 2_000, 2_000);
    locked.add(5);
    expect((await run('another'))[0]?.block).toBe(6);
    expect((await run('another'))[0]?.block).toBe(6);
  });

  it('gives a second tunnel of the same kind another block, and neither the name of the other', async () => {
    const first = await open('a');
    const second = await open('a');
    expect(second.saved[0]?.block).not.toBe(first.saved[0]?.block);
  });

  it('says what to do when tunnels that run have all', async () => {
    for (let block = 0; block < BLOCK_COUNT; block += 1) locked.add(block);
    await expect(open('a')).rejects.toMatchObject({
      code: 'ERR_USAGE',
      remedy: expect.stringContaining('--synthetic-range') as string,
    });
  });

  it('has another block for a tunnel that needs more, which is its own from then on, but none of another one', async () => {
    await run('b');
    const { store, saved } = await open('a');
    const another = await store.takeAnother();
    expect(another?.mappings).toEqual([]);
    const blocks = [saved[0]!.block, another!.block];
    store.close(new Map(blocks.map((block) => [block, () => [{ name: `n${block}.a`, offset: 1 }]])));
    const again = await open('a');
    expect(again.saved.map(({ block }) => block).sort()).toEqual(blocks.sort());
    expect(again.saved.flatMap(({ mappings }) => mappings.map(({ name }) => name)).sort()).toEqual(
      blocks.map((block) => `n${block}.a`).sort(),
    );
    for (let index = 0; index < BLOCK_COUNT; index += 1) await again.store.takeAnother();
    expect((await run('b'))[0], 'all others are taken').toMatchObject({ mappings: NAMES });
    expect(await again.store.takeAnother()).toBeUndefined();
  });

  it.each(['', '{', 'null', '[]', '{"key":1,"mappings":[]}', 'x'.repeat(5_000_000)])(
    'takes a broken file for none',
    async (text) => {
      for (let block = 0; block < BLOCK_COUNT; block += 1) writeFileSync(file(block), text);
      expect((await run('a'))[0]?.mappings).toEqual([]);
    },
  );

  it('works without a folder, and says so', async () => {
    const logger = recordingLogger();
    writeFileSync(join(folder, 'file'), '');
    const { saved } = await open('a', logger, join(folder, 'file', 'below'));
    expect(saved).toEqual([{ block: FIRST, mappings: [] }]);
    expect(logger.lines.join()).toContain('other synthetic addresses after a restart');
  });
});
