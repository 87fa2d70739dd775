import { messageOf } from '../../core/errors.ts';
import type { CleanupReport } from '../protocol/protocol.ts';
import { removeLeftEnclosures } from './cgroup/enclosure.ts';
import type { MethodDriver } from './drivers/backend/method-driver.ts';
import { driversHere } from './drivers/drivers.ts';

/**
 * Removes what dead instances have left, by every method that this system has, and control groups of theirs. What a living instance holds, or one that cannot
 * be judged from here, stays.
 */
export async function cleanUpDeadInstances(
  drivers: readonly MethodDriver[] = driversHere(),
  leftEnclosures = removeLeftEnclosures,
): Promise<CleanupReport> {
  const report = {
    removed: [] as string[],
    kept: [] as string[],
    failed: [] as string[],
    unread: [] as string[],
  };
  for (const driver of drivers) {
    const { tunnels, unread } = await driver.findTunnels();
    report.unread.push(...unread);
    for (const tunnel of tunnels) {
      if (tunnel.holder !== 'dead') {
        const state = tunnel.holder === 'alive' ? 'running' : 'unknown';
        report.kept.push(`${tunnel.name} (its instance is ${state})`);
        continue;
      }
      try {
        await tunnel.remove();
        report.removed.push(tunnel.name);
      } catch (error) {
        report.failed.push(`${tunnel.name}: ${messageOf(error)}`);
      }
    }
  }
  const enclosures = leftEnclosures();
  report.removed.push(...enclosures.removed);
  report.kept.push(...enclosures.kept.map((name) => `${name} (a command still runs in it)`));
  return report;
}
