import type { Child } from '../process/child.ts';
import { until } from '../process/until.ts';
import type { Namespace } from './namespace.ts';

/** Tells of every change of a namespace's nft rules; resolves when it listens. */
export async function watchRules(namespace: Namespace): Promise<Child> {
  const monitor = namespace.spawn(['stdbuf', '-oL', 'nft', 'monitor']);
  // It says nothing by itself: a change of the test's own shows that it listens.
  await until(
    async () => {
      await namespace.must(['nft', 'add table ip watched; delete table ip watched']);
      return monitor.stdout.includes('delete table ip watched');
    },
    { deadlineMs: 10_000, what: 'nft monitor listens' },
  );
  return monitor;
}

/** The changes that {@link watchRules} has told of, without its own. */
export function changesSeen(monitor: Child): string[] {
  return monitor.stdout.split('\n').filter((line) => line !== '' && !/watched|new generation/.test(line));
}
