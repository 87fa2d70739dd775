import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustRun } from '../../test/support/process/child.ts';

/** The repository, from the compiled bench in bench/dist/bench/lab. */
export const REPOSITORY = fileURLToPath(new URL('../../../..', import.meta.url));

const FLAGS = ['-std=c11', '-D_DEFAULT_SOURCE', '-O2', '-Wall', '-Wextra', '-pthread'];

/** Compiles all C files of a folder of the bench into one program. */
export async function compileProgram(folder: string, program: string): Promise<string> {
  const path = join(REPOSITORY, 'bench', folder);
  const sources = (await readdir(path)).filter((name) => name.endsWith('.c')).map((name) => join(path, name));
  await mustRun(['gcc', ...FLAGS, '-o', program, ...sources]);
  return program;
}
