import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { filesLeftOut, surroundings } from '../test/support/platform/left-out.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Whoever runs the tests by sudo is not told so by each command under test; and these keep nothing in a home. */
const env = { SUDO_USER: '', NODE_DISABLE_COMPILE_CACHE: '1' };

/**
 * With TSHUTTLE_TEST_PLATFORM (darwin, freebsd, openbsd, win32) or TSHUTTLE_TEST_KOFFI=absent the tests, and what they start, take
 * themselves to be there: `npm run test:platforms`. Not vitest itself, which has loaded what it needs when a setup file runs.
 */
const simulation = fileURLToPath(new URL('../test/support/platform/simulate.cjs', import.meta.url));
const { TSHUTTLE_TEST_PLATFORM: platform, TSHUTTLE_TEST_KOFFI: koffi } = process.env;
const here = {
  ...(platform === undefined && koffi === undefined ? {} : { setupFiles: [simulation] }),
  // The style of the page of top --web, which is taken in as text; without it vitest has no text in it.
  css: true,
  runner: fileURLToPath(new URL('leaving-out-runner.ts', import.meta.url)),
  exclude: [
    ...configDefaults.exclude,
    ...[...filesLeftOut(surroundings(), `${root}test/`).keys()].map((file) => `test/${file}`),
  ],
};

/**
 * With TSHUTTLE_TEST_NODE tests, and what they start, run by that Node.js, which may be older than vitest itself can (.ci/nodes).
 * It forks what is named here, whoever it runs by itself.
 */
const { TSHUTTLE_TEST_NODE: testNode } = process.env;
if (testNode !== undefined) {
  process.env['TSHUTTLE_BUILD_NODE'] = process.execPath;
  process.execPath = testNode;
}

/** Captures on the machine itself, which only a machine of somebody's tests is for: `npm run test:loopback`. */
const loopback = {
  root,
  test: {
    name: 'loopback',
    include: process.env['TSHUTTLE_LOOPBACK'] === undefined ? [] : ['test/loopback/**/*.test.ts'],
    env,
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    sequence: { groupOrder: 4 },
  },
};

/** Four projects, from pure to real; lab and e2e own the kernel state they make and run one file at a time. */
export default defineConfig({
  root,
  test: {
    reporters: ['default', './.ci/closing-line-reporter.ts'],
    projects: [
      {
        root,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 30_000,
          // Pure tests share nothing that a process of their own for each file could keep apart.
          pool: testNode === undefined ? 'threads' : 'forks',
          isolate: false,
          ...here,
        },
      },
      {
        root,
        test: {
          name: 'component',
          include: ['test/component/**/*.test.ts'],
          testTimeout: 20_000,
          env,
          // They wait for facts much of the time: on two CPUs one for each, where vitest has one fewer.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 1 },
          ...here,
        },
      },
      {
        root,
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          env,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        root,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          env,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
      loopback,
    ],
  },
});
