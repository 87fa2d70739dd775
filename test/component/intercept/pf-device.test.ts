import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockFile } from '../../../src/net/native/file-lock.ts';
import { openPfDevice } from '../../../src/net/native/pf/pf-device.ts';

/** linux/random.h, RNDGETENTCNT: a request that writes an int. */
const ENTROPY_COUNT = 0x8004_5200;

describe('openPfDevice, on another device', () => {
  it('passes the argument in and out, and gives the error number', () => {
    const device = openPfDevice('/dev/urandom');
    onTestFinished(() => device.close());
    const count = Buffer.alloc(4, 0xff);
    expect(device.ioctl(ENTROPY_COUNT, count)).toBe(0);
    expect(count.readInt32LE()).toBeGreaterThan(0);
    expect(device.ioctl(0xc054_4417, Buffer.alloc(84))).toBe(22);
    device.close();
    device.close();
    expect(device.ioctl(ENTROPY_COUNT, count), 'EBADF').toBe(9);
  });

  it('throws where there is none', () => {
    expect(() => openPfDevice('/dev/pf')).toThrow('ENOENT');
  });
});

describe('lockFile', () => {
  it('is held by one descriptor at a time, or shared, until that is closed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tshuttle-lock-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const open = () => openSync(join(folder, 'lock'), 'a');
    const [first, second, third] = [open(), open(), open()] as const;
    expect(lockFile(first, 'exclusive')).toBe(true);
    expect(lockFile(first, 'exclusive'), 'again').toBe(true);
    expect(lockFile(second, 'shared')).toBe(false);
    closeSync(first);
    expect(lockFile(second, 'shared')).toBe(true);
    expect(lockFile(third, 'shared')).toBe(true);
    expect(lockFile(third, 'exclusive')).toBe(false);
    closeSync(second);
    expect(lockFile(third, 'exclusive')).toBe(true);
    closeSync(third);
    expect(() => lockFile(third, 'shared')).toThrow('errno 9');
  });
});
