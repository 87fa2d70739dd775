import { readdir, readFile, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCodeOf, TshuttleError } from '../../../core/errors.ts';

/** As cron is called by Debian, by Fedora, Alpine and BusyBox, and by fcron. */
const CRON_DAEMONS: ReadonlySet<string> = new Set(['cron', 'crond', 'fcron']);

/** How long what it has started may take: the helper has 45 s to undo what it did. */
const GONE_MS = 60_000;
const POLL_MS = 100;

/**
 * Whether a cron runs that would start something at boot.
 *
 * @returns undefined where other users' processes cannot be seen (proc(5), hidepid)
 */
export async function isCronRunning(procFolder = '/proc'): Promise<boolean | undefined> {
  const names = await Promise.all(
    (await processIds(procFolder)).map(
      async (pid) => await readFile(`${procFolder}/${pid}/comm`, 'utf8').catch(() => ''),
    ),
  );
  if (names.some((name) => CRON_DAEMONS.has(name.trim()))) return true;
  return (await readFile(`${procFolder}/1/comm`, 'utf8').catch(() => '')) === '' ? undefined : false;
}

/** This user's processes that run a script, as cron starts it. */
export async function processesOfScript(script: string, procFolder = '/proc'): Promise<readonly number[]> {
  const found = await Promise.all(
    (await processIds(procFolder)).map(async (pid) => {
      try {
        const [shell, first] = (await readFile(`${procFolder}/${pid}/cmdline`, 'utf8')).split('\0');
        if (shell?.endsWith('sh') !== true || first !== script) return [];
        return (await stat(`${procFolder}/${pid}`)).uid === process.geteuid?.() ? [Number(pid)] : [];
      } catch {
        return []; // has ended, or is not for us to see
      }
    }),
  );
  return found.flat();
}

/** Ends a script, and what it is starting. Idempotent. @throws TshuttleError ERR_CLEANUP when it is still there after a minute */
export async function endScript(script: string): Promise<void> {
  for (const pid of await processesOfScript(script)) terminate(pid);
  const deadline = performance.now() + GONE_MS;
  for (;;) {
    const left = await processesOfScript(script);
    if (left.length === 0) return;
    if (performance.now() > deadline) {
      throw new TshuttleError('ERR_CLEANUP', `${script} does not end: process ${left.join(', ')}`, {
        remedy: `kill -KILL ${left.join(' ')}`,
      });
    }
    await delay(POLL_MS);
  }
}

function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    if (systemCodeOf(error) !== 'ESRCH') throw error;
  }
}

async function processIds(procFolder: string): Promise<readonly string[]> {
  return (await readdir(procFolder).catch(() => [])).filter((name) => /^\d+$/.test(name));
}
