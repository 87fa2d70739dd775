import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { RouteMonitor } from '../../../../src/net/machine/route-monitor.ts';
import { until } from '../../../support/process/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'tshuttle-route-'));
const monitors: RouteMonitor[] = [];

afterEach(() => {
  for (const monitor of monitors.splice(0)) monitor.close();
});

/** In place of route(8): says what it is told to, and waits. */
function monitorOf(script: string): RouteMonitor {
  const monitor = new RouteMonitor(['/bin/sh', '-c', script]);
  monitors.push(monitor);
  return monitor;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('what it prints is told of once, and it ends with us', async () => {
  const file = join(folder, 'pid');
  const monitor = monitorOf(
    `echo $$ > ${file}; echo 'RTM_NEWADDR: address being added to iface: len 124, metric 0, flags:<UP>'; exec sleep 600`,
  );
  expect(monitor.isWatching).toBe(true);
  let news = 0;
  monitor.listen(() => {
    news += 1;
  });
  await until(() => monitor.hasChanged(), { deadlineMs: 5_000, what: 'a change' });
  expect(monitor.hasChanged()).toBe(false);
  await until(() => news === 1, { deadlineMs: 5_000, what: 'it is told' });
  const pid = Number(readFileSync(file, 'utf8'));
  expect(isAlive(pid)).toBe(true);
  monitor.close();
  await until(() => !isAlive(pid), { deadlineMs: 5_000, what: 'the end of it' });
});

test('one that ends is not asked any more, and one that floods is ended', async () => {
  const ended = monitorOf('exit 1');
  let looks = 0;
  ended.listen(() => {
    looks += 1;
  });
  await until(() => looks === 1, { deadlineMs: 5_000, what: 'whoever listens looks himself' });
  await until(() => !ended.isWatching, { deadlineMs: 5_000, what: 'its end' });
  expect(ended.hasChanged()).toBe(false);
  const flooding = monitorOf('yes | tr -d "\\n"');
  await until(() => !flooding.isWatching, { deadlineMs: 5_000, what: 'its end' });
  rmSync(folder, { recursive: true, force: true });
});
