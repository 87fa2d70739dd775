import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { promisify } from 'node:util';

/** Below dist/, so that it finds its installation as the product does; a build removes it (.ci/build). */
const FOLDER = 'dist/test';

const BUNDLER = 'node_modules/rolldown/bin/cli.mjs';

/** Tests may run by a Node.js that is older than the bundler can (.ci/vitest.config.ts). */
const NODE = process.env['TSHUTTLE_BUILD_NODE'] ?? process.execPath;

/**
 * Builds a module of src/ or of the tests as a program has it, for a process of its own: Node.js 20 runs no TypeScript.
 *
 * @param path from the repository, which is the folder that tests run in
 * @returns the file with the same exports, from there, too
 */
export async function buildModule(path: string): Promise<string> {
  const file = join(FOLDER, `${basename(path, extname(path))}.mjs`);
  // Other processes build it, too, and run what another built.
  const fresh = `${file}.${randomUUID()}`;
  await promisify(execFile)(NODE, [BUNDLER, '--config', '.ci/built-module.config.ts', '--file', fresh], {
    // These take themselves to be where they are.
    env: { ...process.env, TSHUTTLE_BUILT_MODULE: path, NODE_OPTIONS: '' },
  });
  await rename(fresh, file);
  return file;
}
