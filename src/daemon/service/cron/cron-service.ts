import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CleanupStack } from '../../../core/cleanup-stack.ts';
import { systemCodeOf, TshuttleError } from '../../../core/errors.ts';
import { makeFolder } from '../../../core/files/folders.ts';
import { replaceServiceFile } from '../unit-files.ts';
import { endScript, processesOfScript } from './cron-processes.ts';
import type { Crontab } from './crontab.ts';
import { hasRebootLine, withoutRebootLine, withRebootLine } from './crontab-text.ts';
import { profilesOfStartScript } from './start-script.ts';

/** Where it all is. */
export interface CronPlaces {
  /** Absolute; what cron starts. */
  readonly scriptFile: string;
  /** What the script's last try said. */
  readonly logFile: string;
}

/** What is installed by cron. */
export interface CronService {
  readonly profiles: readonly string[];
  /** Whether the crontab has its line. */
  readonly isInCrontab: boolean;
  /** The processes that try to bring the tunnels up. */
  readonly starting: readonly number[];
}

/**
 * What is installed; undefined where nothing is. Where the crontab cannot be read, it has nothing of ours as far as can be seen.
 *
 * @param crontab undefined where there is no crontab(1)
 */
export async function findCronService(
  { scriptFile }: CronPlaces,
  crontab: Crontab | undefined,
): Promise<CronService | undefined> {
  const profiles = profilesOfStartScript(scriptFile);
  const isInCrontab = isListed(crontab);
  if (profiles === undefined && !isInCrontab) return undefined;
  return { profiles: profiles ?? [], isInCrontab, starting: await processesOfScript(scriptFile) };
}

function isListed(crontab: Crontab | undefined): boolean {
  try {
    return crontab !== undefined && hasRebootLine(crontab.read());
  } catch (error) {
    if (error instanceof TshuttleError) return false;
    throw error;
  }
}

/**
 * Writes the script and the line in the crontab, in place of what was there. Fails as a whole.
 *
 * @returns what takes both back, and brings back what was there before
 * @throws TshuttleError ERR_CONFIG when the script cannot be written, or with what crontab said
 */
export async function installCronService(
  text: string,
  { scriptFile, logFile }: CronPlaces,
  crontab: Crontab,
): Promise<CleanupStack> {
  const undo = new CleanupStack();
  try {
    const before = crontab.read();
    makeFolder(dirname(logFile));
    undo.push(await replaceServiceFile(scriptFile, text, 0o755));
    await endScript(scriptFile);
    undo.push(() => {
      if (crontab.read() !== before) crontab.write(before);
    });
    crontab.write(withRebootLine(before, scriptFile));
    return undo;
  } catch (error) {
    throw await undo.releaseAfter(error, 'the service is half installed');
  }
}

/** Takes out the line, ends what still tries to start tunnels, and removes the script. The tunnels stay up. Idempotent. */
export async function uninstallCronService(
  { scriptFile, logFile }: CronPlaces,
  crontab: Crontab | undefined,
): Promise<void> {
  const before = crontab?.read() ?? '';
  const after = withoutRebootLine(before);
  if (after !== before) crontab?.write(after);
  await endScript(scriptFile);
  await rm(logFile, { force: true });
  // Last: it tells what there is to remove.
  if (isOurs(scriptFile)) await rm(scriptFile, { force: true });
}

function isOurs(scriptFile: string): boolean {
  return profilesOfStartScript(scriptFile) !== undefined;
}

/** What the last try to start tunnels at boot said; '' where it said nothing. */
export function lastTry({ logFile }: CronPlaces): string {
  try {
    return readFileSync(logFile, 'utf8').trim().split('\n').at(-1)?.slice(0, 500) ?? '';
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return '';
    throw error;
  }
}
