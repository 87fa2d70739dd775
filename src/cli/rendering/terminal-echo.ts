import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** It answers within a few milliseconds, or does not at all. */
const TIMEOUT_MS = 1_000;

/**
 * Whether the terminal of this process shows nothing of what is typed: then somebody types a password for another program, such as
 * sudo. Also true where that cannot be told.
 */
export async function isEchoOff(): Promise<boolean> {
  try {
    return /(?:^|\s)-echo\b/.test(await settings());
  } catch {
    return true;
  }
}

/** What stty(1) says, which POSIX has: Node.js itself does not tell. */
async function settings(): Promise<string> {
  const terminal = openSync('/dev/tty', 'r');
  try {
    const child = spawn('stty', ['-a'], { stdio: [terminal, 'pipe', 'ignore'], timeout: TIMEOUT_MS });
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) =>
        code === 0 ? resolve(said) : reject(new Error(`stty ended with ${code}`)),
      );
    });
  } finally {
    closeSync(terminal);
  }
}
