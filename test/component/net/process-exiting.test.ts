import { expect, test } from 'vitest';
import { isExiting } from '../../../src/net/process-exiting.ts';
import { Child } from '../../support/child.ts';
import { until } from '../../support/until.ts';

test.runIf(process.platform === 'linux')(
  'a process that has ended and is not forgotten yet is told from one that runs',
  async () => {
    // Whoever started it has become another program, and does not ask for its end.
    const parent = new Child(['sh', '-c', 'sh -c "exit 0" & echo $!; exec sleep 30']);
    try {
      await parent.untilOutput(/^\d+$/m, 5_000);
      const ended = Number(parent.stdout);
      await until(() => isExiting(ended), { deadlineMs: 5_000, what: 'its end' });
      expect(isExiting(process.pid)).toBe(false);
    } finally {
      parent.kill('SIGKILL');
      await parent.exited;
    }
    expect(isExiting(2 ** 30)).toBe(false);
  },
);
