import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { librariesInProgram } from '../../../../src/intercept/install/mach-o.ts';
import { requireSelfContained } from '../../../../src/intercept/install/node-copy.ts';

const folder = mkdtempSync(join(tmpdir(), 'tshuttle-mach-o-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A load command (mach-o/loader.h, dylib_command: the name begins at 24). */
function load(kind: number, name: string): Buffer {
  const size = Math.ceil((24 + name.length + 1) / 8) * 8;
  const command = Buffer.alloc(size);
  command.writeUInt32LE(kind, 0);
  command.writeUInt32LE(size, 4);
  command.writeUInt32LE(24, 8);
  command.write(name, 24);
  return command;
}

/** LC_SEGMENT_64, which names no library. */
function segment(): Buffer {
  const command = Buffer.alloc(72);
  command.writeUInt32LE(0x19, 0);
  command.writeUInt32LE(72, 4);
  return command;
}

function program(...commands: readonly Buffer[]): Buffer {
  const body = Buffer.concat(commands);
  const header = Buffer.alloc(32);
  header.writeUInt32BE(0xcffaedfe, 0);
  header.writeUInt32LE(0x0100000c, 4); // arm64
  header.writeUInt32LE(commands.length, 16);
  header.writeUInt32LE(body.length, 20);
  return Buffer.concat([header, body, Buffer.alloc(64)]);
}

function universal(...parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(4096);
  head.writeUInt32BE(0xcafebabe, 0);
  head.writeUInt32BE(parts.length, 4);
  let offset = head.length;
  parts.forEach((part, index) => {
    head.writeUInt32BE(offset, 8 + index * 20 + 8);
    head.writeUInt32BE(part.length, 8 + index * 20 + 12);
    offset += part.length;
  });
  return Buffer.concat([head, ...parts]);
}

function fileOf(bytes: Buffer): string {
  const path = join(folder, `${Math.random()}`);
  writeFileSync(path, bytes);
  return path;
}

const SYSTEM = ['/usr/lib/libc++.1.dylib', '/usr/lib/libSystem.B.dylib'];
const FRAMEWORK = '/System/Library/Frameworks/Security.framework/Versions/A/Security';

describe('the libraries that a program of macOS names', () => {
  test('of every kind of load, and of no other command', () => {
    const kinds = [0xc, 0x80000018, 0x8000001f, 0x20, 0x80000023];
    const named = kinds.map((kind, index) => load(kind, `/usr/lib/lib${index}.dylib`));
    expect(librariesInProgram(fileOf(program(segment(), ...named, segment())))).toEqual(
      kinds.map((_kind, index) => `/usr/lib/lib${index}.dylib`),
    );
  });

  test('of each part of a universal one', () => {
    const parts = [program(load(0xc, SYSTEM[0]!)), program(segment(), load(0xc, '@rpath/libnode.137.dylib'))];
    expect(librariesInProgram(fileOf(universal(...parts)))).toEqual([SYSTEM[0], '@rpath/libnode.137.dylib']);
  });

  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['a script', Buffer.from('#!/bin/sh\necho this is no program at all, and long enough\n')],
    ['a program that is cut off', program(load(0xc, SYSTEM[0]!)).subarray(0, 50)],
    ['a command of no size', program(Buffer.alloc(16))],
    ['a command that is longer than all', program(Buffer.from([0xc, 0, 0, 0, 0xff, 0xff, 0, 0]))],
    ['a universal one with a thousand parts', Buffer.from('cafebabe000003e8'.padEnd(64, '0'), 'hex')],
  ])('not of %s', (_what, bytes) => {
    expect(() => librariesInProgram(fileOf(bytes))).toThrow();
  });
});

describe('the Node.js of macOS that may run as root', () => {
  const check = (...libraries: readonly string[]) => requireSelfContained('/n/bin/node', () => libraries);

  test('is one that loads what is of macOS alone, as that of nodejs.org', () => {
    expect(() => check(...SYSTEM, FRAMEWORK)).not.toThrow();
    expect(() =>
      requireSelfContained(fileOf(program(...SYSTEM.map((name) => load(0xc, name))))),
    ).not.toThrow();
  });

  // What `otool -L` shows of Homebrew's (node 24, and 15 to 22): a small program and a library beside it, and dozens of others.
  test.each([
    '@loader_path/../lib/libnode.137.dylib',
    '@rpath/libnode.127.dylib',
    '@executable_path/libz.dylib',
    '/opt/homebrew/opt/openssl@3/lib/libssl.3.dylib',
    '/usr/local/opt/libuv/lib/libuv.1.dylib',
    '/usr/local/lib/libuv.1.dylib',
    '/usr/lib/../local/lib/libuv.1.dylib',
    '/System/Volumes/Data/x.dylib',
    'libuv.dylib',
  ])('is none that loads %s', (library) => {
    expect(() => check(...SYSTEM, library)).toThrow(`it loads ${library}, which is no part of macOS`);
  });

  test('is none whose libraries cannot be read', () => {
    expect(() => requireSelfContained(fileOf(Buffer.from('#!/bin/sh')))).toThrow(
      /what it loads cannot be read/,
    );
  });
});
