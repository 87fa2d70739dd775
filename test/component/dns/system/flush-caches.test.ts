import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { flushSystemCaches } from '../../../../src/dns/system/flush-caches.ts';

describe('flushSystemCaches', () => {
  let folder: string;
  let program: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tshuttle-flush-'));
    program = join(folder, 'resolvectl');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const write = (script: string) => {
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o755);
  };

  it('runs resolvectl where systemd-resolved runs, and only there', async () => {
    write(`echo "$@" > ${folder}/called`);
    await flushSystemCaches({ program, runningFile: join(folder, 'no such file') });
    expect(existsSync(join(folder, 'called'))).toBe(false);
    await flushSystemCaches({ program, runningFile: program });
    expect(readFileSync(join(folder, 'called'), 'utf8')).toBe('flush-caches\n');
  });

  it('never rejects, and does not wait for long', async () => {
    await flushSystemCaches({ program, runningFile: folder });
    write('exit 1');
    await flushSystemCaches({ program, runningFile: folder });
    write('exec sleep 30');
    const startedAtMs = performance.now();
    await flushSystemCaches({ program, runningFile: folder });
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
  });
});
