import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { BEHIND_STUB } from './resolv-conf.ts';

/** It answers at once, or not at all. */
const TIMEOUT_MS = 2_000;

/** What runs, and the file by which it is seen whether systemd-resolved does. */
export interface FlushOptions {
  readonly program: string;
  readonly runningFile: string;
}

/**
 * Makes systemd-resolved forget its answers, as every user may (native-notes/dns-redirect.md): before a tunnel it may have
 * learned that a name of a zone does not exist, and after it, addresses that lead nowhere any more. Does nothing where it
 * does not run. Never rejects.
 */
export function flushSystemCaches({
  program = 'resolvectl',
  runningFile = BEHIND_STUB,
}: Partial<FlushOptions> = {}): Promise<void> {
  if (!existsSync(runningFile)) return Promise.resolve();
  return new Promise((resolve) => {
    execFile(
      program,
      ['flush-caches', '--no-ask-password'],
      { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' },
      () => resolve(),
    );
  });
}
