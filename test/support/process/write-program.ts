import { chmodSync, writeFileSync } from 'node:fs';

/**
 * Writes a program that can be run at once. By `fs/promises` it cannot on Node.js 20.11.0, whose libuv closes files by io_uring: the kernel
 * takes the file for open some time longer, and refuses to run it (ETXTBSY).
 */
export function writeProgram(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}
