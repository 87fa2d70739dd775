import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isExiting } from '../../../../src/net/machine/processes.ts';
import { Child } from '../../../support/process/child.ts';
import { until } from '../../../support/process/until.ts';

test('a process that has ended and is not forgotten yet is told from one that runs', async () => {
  // Whoever started it becomes another program, and does not ask for its end: a shell would (dash, after each builtin).
  const parent = new Child(['sh', '-c', 'sleep 30 & echo $!; exec tail -f /dev/null']);
  try {
    await parent.untilOutput(/^\d+$/m, 5_000);
    await until(() => readFileSync(`/proc/${parent.pid}/comm`, 'latin1') === 'tail\n', {
      deadlineMs: 5_000,
      what: 'the shell has become another program',
    });
    const child = Number(parent.stdout);
    expect(isExiting(child)).toBe(false);
    process.kill(child, 'SIGKILL');
    await until(() => isExiting(child), { deadlineMs: 5_000, what: 'its end' });
    expect(isExiting(process.pid)).toBe(false);
  } finally {
    parent.kill('SIGKILL');
    await parent.exited;
  }
  expect(isExiting(2 ** 30)).toBe(false);
});
