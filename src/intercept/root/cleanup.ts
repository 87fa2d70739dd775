import { messageOf } from '../../core/errors.ts';
import type { CleanupReport } from '../protocol/protocol.ts';
import { judgeInstance } from './backend/this-instance.ts';
import { driversHere } from './drivers.ts';

/**
 * Removes what dead instances have left, by every method that this system has. What a living instance holds, or one that cannot
 * be judged from here, stays.
 */
export async function cleanUpDeadInstances(): Promise<CleanupReport> {
  const report = {
    removed: [] as string[],
    kept: [] as string[],
    failed: [] as string[],
    unread: [] as string[],
  };
  for (const driver of driversHere()) {
    const { tunnels, unread } = await driver.findTunnels();
    report.unread.push(...unread);
    for (const tunnel of tunnels) {
      const verdict = judgeInstance(tunnel.instance);
      if (verdict !== 'dead') {
        report.kept.push(`${tunnel.name} (its instance is ${verdict === 'alive' ? 'running' : 'unknown'})`);
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
  return report;
}
