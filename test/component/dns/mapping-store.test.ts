import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_COUNT, MappingStore } from '../../../src/dns/mapping-store.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { until } from '../../support/until.ts';

const NAMES = [{ name: 'db.internal.example', offset: 7 }];

describe('MappingStore', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tshuttle-store-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = (tunnel: string, logger = recordingLogger()) => new MappingStore(folder, tunnel, logger);

  it('gives each tunnel a block of its own, and what it had in it', async () => {
    const first = open('a');
    first.saveSoon(() => NAMES);
    first.flush();
    const second = open('b');
    expect(second.saved).toEqual({ block: 1, mappings: [] });
    expect(open('a').saved).toEqual({ block: 0, mappings: NAMES });
    expect(readdirSync(folder).sort()).toEqual(['0.json', '1.json']);
  });

  it('writes soon by itself, whole', async () => {
    const store = open('a');
    store.saveSoon(() => NAMES);
    await until(() => readFileSync(join(folder, '0.json'), 'utf8').includes('db.internal'), {
      deadlineMs: 2_000,
      what: 'the name in the file',
    });
    expect(readdirSync(folder)).toEqual(['0.json']);
  });

  it('takes the block that was not used for longest when all are taken', () => {
    for (let index = 0; index < BLOCK_COUNT; index += 1) open(`tunnel ${index}`);
    utimesSync(join(folder, '5.json'), 1_000, 1_000);
    expect(open('another').saved.block).toBe(5);
    expect(open('another').saved.block).toBe(5);
  });

  it.each(['', '{', 'null', '[]', '{"key":1,"mappings":[]}', 'x'.repeat(5_000_000)])(
    'takes a broken file for none',
    (text) => {
      writeFileSync(join(folder, '0.json'), text);
      expect(open('a').saved.mappings).toEqual([]);
    },
  );

  it('works without a folder, and says so', () => {
    const logger = recordingLogger();
    writeFileSync(join(folder, 'file'), '');
    const store = new MappingStore(join(folder, 'file', 'below'), 'a', logger);
    expect(store.saved.mappings).toEqual([]);
    expect(logger.lines.join()).toContain('other synthetic addresses after a restart');
  });
});
