import { closeSync, openSync, readSync } from 'node:fs';

/** mach-o/loader.h and mach-o/fat.h; as they are read from the file's first four bytes, big endian. */
const MAGIC_64 = 0xcffaedfe;
const MAGIC_FAT = 0xcafebabe;

const HEADER_BYTES = 32;
const FAT_ARCHITECTURE_BYTES = 20;

/** What names a library to be loaded: LC_LOAD_DYLIB, and its weak, re-exported, lazy and upward kinds. */
const LOADS_LIBRARY: ReadonlySet<number> = new Set([0xc, 0x80000018, 0x8000001f, 0x20, 0x80000023]);

/** Node.js has some 30 commands in 5 KB. */
const MAX_COMMAND_BYTES = 1024 * 1024;
const MAX_ARCHITECTURES = 16;

/**
 * The libraries that a program of macOS names, as it names them: `/usr/lib/libSystem.B.dylib`, `@rpath/libnode.137.dylib`. Read from its
 * load commands, as otool(1) does, which is there with Apple's developer tools only. Of a universal one, those of all its parts.
 *
 * @throws Error when the file cannot be read, or is no such program
 */
export function librariesInProgram(path: string): readonly string[] {
  const descriptor = openSync(path, 'r');
  try {
    const read = (offset: number, length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      if (readSync(descriptor, bytes, 0, length, offset) !== length) throw new Error('it is cut off');
      return bytes;
    };
    return [...new Set(partsOf(read).flatMap((offset) => librariesInPart(read, offset)))];
  } finally {
    closeSync(descriptor);
  }
}

type Read = (offset: number, length: number) => Buffer;

/** Where the programs for each architecture begin. */
function partsOf(read: Read): readonly number[] {
  const head = read(0, 8);
  if (head.readUInt32BE(0) !== MAGIC_FAT) return [0];
  const count = head.readUInt32BE(4);
  if (count === 0 || count > MAX_ARCHITECTURES) throw new Error('it is no program of macOS');
  const table = read(8, count * FAT_ARCHITECTURE_BYTES);
  return Array.from({ length: count }, (_, index) => table.readUInt32BE(index * FAT_ARCHITECTURE_BYTES + 8));
}

function librariesInPart(read: Read, start: number): readonly string[] {
  const header = read(start, HEADER_BYTES);
  if (header.readUInt32BE(0) !== MAGIC_64) throw new Error('it is no 64-bit program of macOS');
  const count = header.readUInt32LE(16);
  const length = header.readUInt32LE(20);
  if (length > MAX_COMMAND_BYTES) throw new Error('it has too many load commands');
  const commands = read(start + HEADER_BYTES, length);
  const libraries: string[] = [];
  let offset = 0;
  for (let index = 0; index < count; index += 1) {
    if (offset + 8 > length) throw new Error('its load commands are cut off');
    const size = commands.readUInt32LE(offset + 4);
    if (size < 8 || offset + size > length) throw new Error('a load command has no right size');
    if (LOADS_LIBRARY.has(commands.readUInt32LE(offset))) {
      if (size < 12) throw new Error('a load command has no right size');
      // The name stands behind the command, where its third word says, and ends with a zero.
      const name = commands.subarray(offset + commands.readUInt32LE(offset + 8), offset + size);
      const end = name.indexOf(0);
      libraries.push(name.toString('utf8', 0, end < 0 ? name.length : end));
    }
    offset += size;
  }
  return libraries;
}
