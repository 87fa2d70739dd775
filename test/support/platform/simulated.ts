import { resolve } from 'node:path';

/** A system that a child process is to take itself to be on: simulate.cjs says how far. */
export interface SimulatedPlatform {
  readonly name: 'linux' | 'darwin' | 'freebsd' | 'openbsd' | 'win32';
  readonly koffi: 'present' | 'absent';
}

/**
 * The environment that has Node.js in a child process be there.
 *
 * @param folder for what takes the place of named pipes
 */
export function simulated({ name, koffi }: SimulatedPlatform, folder: string): Record<string, string> {
  return {
    NODE_OPTIONS: `--require=${resolve('test/support/platform/simulate.cjs')}`,
    TSHUTTLE_TEST_PLATFORM: name,
    TSHUTTLE_TEST_KOFFI: koffi,
    TSHUTTLE_TEST_PIPES: resolve(folder, 'pipes'),
  };
}
