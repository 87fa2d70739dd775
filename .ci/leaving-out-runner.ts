import { type RunnerTestCase, TestRunner } from 'vitest';
import { surroundings, whyLeftOut } from '../test/support/platform/left-out.ts';

/** Runs tests as vitest does, but for those that left-out.ts lists: they are skipped before any of their hooks. */
export default class LeavingOutRunner extends TestRunner {
  readonly #here = surroundings();

  override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
    if (whyLeftOut(this.#here, test.fullName.replace(/^test\//, '')) !== undefined) {
      test.mode = 'skip';
      test.result = { state: 'skip' };
    }
    await super.onBeforeRunTask(test);
  }
}
