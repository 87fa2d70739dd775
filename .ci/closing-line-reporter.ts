import { appendFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Prints `N passed, N failed, N skipped` as the last line, and with TSHUTTLE_LAB=require makes a skip a failure. */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === 'passed' || state === 'failed' || state === 'skipped') counts[state] += 1;
      }
    }
    if (process.env['TSHUTTLE_LAB'] === 'require' && counts.skipped > 0) {
      console.log(`${counts.skipped} tests were skipped, and TSHUTTLE_LAB=require allows none`);
      counts.failed += counts.skipped;
      counts.skipped = 0;
      process.exitCode = 1;
    }
    const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
    console.log(line);
    const file = process.env['TSHUTTLE_TEST_COUNTS'];
    if (file !== undefined) appendFileSync(file, `${line}\n`);
  }
}
