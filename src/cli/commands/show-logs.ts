import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { TshuttleError } from '../../core/errors.ts';
import { LogTail } from '../../daemon/log-tail.ts';
import { profilePaths } from '../../daemon/paths.ts';
import type { CommandSession } from '../command-definition.ts';
import { makeReadable } from '../log-output.ts';
import { RunningTunnels } from '../running-tunnels.ts';
import { surroundingsOf } from '../user-folders.ts';
import type { NamedTunnels } from './profile-names.ts';

/** How often the files are looked at. */
const POLL_MS = 250;

/** Prints the last lines of the logs, and with `follow` what comes, until the end is requested. @returns the exit code */
export async function showLogs(
  {
    names,
    lines,
    follow = false,
    json,
  }: NamedTunnels & { readonly lines: number; readonly follow?: boolean },
  { process: context, print }: CommandSession,
): Promise<number> {
  const files = await filesOf(names, context.environment);
  const onTerminal = process.stdout.isTTY === true;
  const tails = [...files].map(([name, file]) => {
    const prefix = files.size > 1 && !json ? `${name}: ` : '';
    const sink = { write: (line: string) => print(prefix + line) };
    const output = json || !onTerminal ? sink : makeReadable(sink, { colour: true });
    return new LogTail(file, (line) => output.write(`${line}\n`));
  });
  try {
    for (const tail of tails) tail.readLast(lines);
    if (!follow) return 0;
    const { signal, requested } = context.stop;
    while (!signal.aborted) {
      await delay(POLL_MS, undefined, { signal }).catch(() => {});
      for (const tail of tails) tail.poll();
    }
    return await requested;
  } finally {
    for (const tail of tails) tail.close();
  }
}

/** The logs of tunnels that are up, and of profiles that once were. */
async function filesOf(
  names: readonly string[],
  environment: CommandSession['process']['environment'],
): Promise<ReadonlyMap<string, string>> {
  const surroundings = surroundingsOf(environment);
  const running = await RunningTunnels.find(surroundings);
  running.close();
  const files = new Map<string, string>();
  for (const name of names.length > 0 ? names : running.all.map(({ report }) => report.name)) {
    const found = running.named(name);
    const file = found === undefined ? profilePaths(name, surroundings).logFile : found.report.logFile;
    if (file !== null && (found !== undefined || existsSync(file))) files.set(name, file);
    else if (names.length > 0) throw noLog(name, found !== undefined);
  }
  return files;
}

function noLog(name: string, isUp: boolean): TshuttleError {
  return isUp
    ? new TshuttleError('ERR_USAGE', `${name} runs in the foreground, and logs there`)
    : new TshuttleError('ERR_USAGE', `${name} has no log: it is not up, and never was`, {
        remedy: 'the profiles are: tshuttle list; the tunnels: tshuttle status',
      });
}
