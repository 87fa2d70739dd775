import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { rolldown } from 'rolldown';
import { rawText } from '../../../.ci/raw-text.ts';

/** Below dist/, so that it finds its installation as the product does; a build removes it (.ci/rolldown.config.ts). */
const FOLDER = 'dist/test';

/**
 * Builds a module of src/ or of the tests as a program has it, for a process of its own: Node.js 20 runs no TypeScript.
 *
 * @param path from the repository, which is the folder that tests run in
 * @returns the file with the same exports, from there, too
 */
export async function buildModule(path: string): Promise<string> {
  await using bundle = await rolldown({
    input: path,
    platform: 'node',
    external: /^[^./]/,
    plugins: [rawText()],
  });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  await mkdir(FOLDER, { recursive: true });
  const file = join(FOLDER, `${basename(path, extname(path))}.js`);
  // Other processes build it, too, and run what another built.
  const fresh = `${file}.${randomUUID()}`;
  await writeFile(fresh, output[0].code);
  await rename(fresh, file);
  return file;
}
