import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { filesLeftOut, surroundings, whyLeftOut } from '../test/support/platform/left-out.ts';

const TESTS = fileURLToPath(new URL('../test/', import.meta.url));

/** How many failures are named in the file of counts, whose reader has room for the end of a long output only. */
const MAX_NAMED = 40;

/**
 * Prints `N passed, N failed, N skipped` as the last line, and with TSHUTTLE_LAB=require makes a skip a failure. Before it, where tests are left
 * out by the list of this system's (test/support/platform/left-out.ts), how many for which reason: those are no skips. TSHUTTLE_TEST_COUNTS is a file that gets the line, too, and one `failed: NAME: MESSAGE` for each failure.
 */
export default class ClosingLineReporter implements Reporter {
  /** Names of projects, which are folders of tests. */
  #projects: readonly string[] = [];

  onInit({ projects }: Vitest): void {
    this.#projects = projects.map(({ name }) => name);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const here = surroundings();
    const skipped: string[] = [];
    const failures = unhandledErrors.map((error) => `beside the tests: ${firstLine(error)}`);
    const leftOut = [...filesLeftOut(here, TESTS)]
      .filter(([file]) => this.#projects.some((project) => file.startsWith(`${project}/`)))
      .map(([, reason]) => `files: ${reason}`);
    for (const module of modules) {
      if (module.errors().length > 0) {
        counts.failed += 1;
        failures.push(`${module.relativeModuleId}: ${firstLine(module.errors()[0])}`);
      }
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'pending') continue;
        const name = `${module.relativeModuleId.replace(/^test\//, '')} > ${test.fullName}`;
        const reason = result.state === 'skipped' ? whyLeftOut(here, name) : undefined;
        if (reason === undefined) counts[result.state] += 1;
        else leftOut.push(`tests: ${reason}`);
        if (reason === undefined && result.state === 'skipped') skipped.push(name);
        if (result.state === 'failed') failures.push(`${name}: ${firstLine(result.errors[0])}`);
      }
    }
    for (const what of [...new Set(leftOut)].sort())
      console.log(`left out: ${leftOut.filter((one) => one === what).length} ${what}`);
    if (process.env['TSHUTTLE_LAB'] === 'require' && counts.skipped > 0) {
      console.log([...skipped, `${skipped.length} tests were skipped, and TSHUTTLE_LAB=require allows none`].join('\n'));
      failures.push(...skipped.map((name) => `${name}: skipped`));
      counts.failed += counts.skipped;
      counts.skipped = 0;
      process.exitCode = 1;
    }
    const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
    console.log(line);
    const file = process.env['TSHUTTLE_TEST_COUNTS'];
    if (file === undefined) return;
    appendFileSync(file, [line, ...failures.slice(0, MAX_NAMED).map((failure) => `failed: ${failure}`), ''].join('\n'));
  }
}

function firstLine(error: unknown): string {
  const { message = String(error) } = (error ?? {}) as { message?: string };
  return message.split('\n')[0]!.slice(0, 200);
}
