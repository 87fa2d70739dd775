import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { BEHIND_STUB } from './resolv-conf.ts';

/** It answers at once, or not at all. */
const TIMEOUT_MS = 2_000;

/** What runs, and the file by which it is seen whether systemd-resolved does. */
export interface ResolvectlOptions {
  readonly program: string;
  readonly runningFile: string;
}

/** Runs resolvectl(1), as every user may. Never rejects. @returns what it prints; nothing where it fails or nobody is there to ask */
export function resolvectl(
  words: readonly string[],
  { program = 'resolvectl', runningFile = BEHIND_STUB }: Partial<ResolvectlOptions> = {},
): Promise<string> {
  if (!existsSync(runningFile)) return Promise.resolve('');
  return new Promise((resolve) => {
    execFile(
      program,
      [...words],
      { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', env: { ...process.env, LC_ALL: 'C' } },
      (error, stdout) => resolve(error === null ? stdout : ''),
    );
  });
}
