import { expect, test } from 'vitest';
import { NamespaceWatch } from '../../../../src/tunnel/capture/namespace-watch.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

test('a namespace whose name goes is told once, at once, and stays gone', async () => {
  const logger = recordingLogger();
  let isThere = true;
  let changed: () => void = () => {};
  let closed = 0;
  const watch = new NamespaceWatch(
    {
      description: 'the network namespace blue',
      place: { kind: 'name', name: 'blue' },
      isThere: () => isThere,
    },
    logger,
    (onChange) => {
      changed = onChange;
      return { close: () => (closed += 1) };
    },
  );
  changed();
  expect(watch.problems).toEqual([]);
  isThere = false;
  changed();
  expect(watch.problems).toMatchObject([{ cause: 'namespace-gone' }]);
  expect(watch.problems[0]?.what).toContain('ip netns del');
  // Another one under the same name.
  isThere = true;
  await watch.tryAgain();
  expect(watch.problems).toHaveLength(1);
  expect(logger.lines).toHaveLength(1);
  watch.stop();
  watch.stop();
  expect(closed).toBe(1);
});

test('that a process has ended is seen when it is looked at; nothing watches names', async () => {
  const watch = new NamespaceWatch(
    {
      description: 'the network namespace of process 7',
      place: { kind: 'process', pid: 7 },
      isThere: () => false,
    },
    recordingLogger(),
    () => {
      throw new Error('nothing to watch');
    },
  );
  expect(watch.problems).toEqual([]);
  await watch.tryAgain();
  expect(watch.problems[0]?.what).toContain('the process has ended');
});
