import { setTimeout as delay } from 'node:timers/promises';
import { EXIT_STOPPED } from '../../../app/exit-code.ts';
import { makeReadable } from '../../../app/log/log-output.ts';
import type { ProcessContext } from '../../../app/process-context.ts';
import { RunningTunnels } from '../../../app/running-tunnels/running-tunnels.ts';
import { findAbsent } from '../../../app/running-tunnels/unknown-tunnel.ts';
import { surroundingsOf } from '../../../app/running-tunnels/user-folders.ts';
import { howToStart, listed } from '../../../app/running-tunnels/what-there-is.ts';
import { TshuttleError } from '../../../core/errors.ts';
import { withoutControls } from '../../../core/printable.ts';
import { systemWords } from '../../../core/systems/system-words.ts';
import { isKeptLog, keptLogOf, keptLogs } from '../../../daemon/files/kept-logs.ts';
import { LogTail } from '../../../daemon/files/log-tail.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import type { NamedTunnels } from '../../command/profile-names.ts';
import { columnsOf, fitLines } from '../../rendering/fit-lines.ts';
import { hasColour } from '../../rendering/has-colour.ts';

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
  if (files.size === 0) {
    process.stderr.write(
      `tshuttle: no tunnel is up in the background -> ${await whatElse(context.environment)}\n`,
    );
    return 0;
  }
  const onTerminal = process.stdout.isTTY === true;
  const colour = hasColour(context.environment, onTerminal);
  const columns = columnsOf(process.stdout);
  const tails = [...files].map(([name, file]) => {
    const prefix = files.size > 1 && !json ? `${name}: ` : '';
    const sink = { write: (line: string) => print(json ? line : fitLines(prefix + line, columns)) };
    const output = json || !onTerminal ? sink : makeReadable(sink, { colour });
    return new LogTail(file, (line) => output.write(`${withoutControls(line)}\n`));
  });
  try {
    for (const tail of tails) tail.readLast(lines);
    if (!follow) return 0;
    context.onReaderGone = () => context.stop.request(EXIT_STOPPED);
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

/** Where nothing in the background is up: whose logs there are all the same, else how to have some. */
async function whatElse(environment: ProcessContext['environment']): Promise<string> {
  const [first, ...others] = keptLogs(surroundingsOf(environment)).keys();
  if (first === undefined) return await howToStart(environment);
  const names = others.length === 0 ? 'the log' : `a log of ${listed([first, ...others])}`;
  return `${names} of before: tshuttle logs ${first}`;
}

/** The logs of tunnels that are up, and of named ones that once were. */
async function filesOf(
  names: readonly string[],
  environment: ProcessContext['environment'],
): Promise<ReadonlyMap<string, string>> {
  const surroundings = surroundingsOf(environment);
  const running = await RunningTunnels.find(surroundings);
  running.close();
  const files = new Map<string, string>();
  for (const name of names.length > 0 ? names : running.all.map(({ report }) => report.name)) {
    const found = running.named(name);
    const file = found === undefined ? keptLogOf(name, surroundings) : found.report.logFile;
    if (file != null && found !== undefined && !isKeptLog(file, surroundings)) throw elsewhere(name, file);
    if (file != null) files.set(name, file);
    else if (names.length > 0) throw noLog(name, found !== undefined, running.names, environment);
  }
  return files;
}

/** A file is not opened because a process says so. */
function elsewhere(name: string, file: string): TshuttleError {
  return new TshuttleError(
    'ERR_USAGE',
    `${name} says that it logs to ${file}, which is in no folder of your logs`,
    {
      remedy: `look whether it does, and then yourself (${systemWords().followFile(file)}); or name its folder by ${systemWords().stateVariable}`,
    },
  );
}

function noLog(
  name: string,
  isUp: boolean,
  up: readonly string[],
  environment: ProcessContext['environment'],
): TshuttleError {
  if (isUp) return new TshuttleError('ERR_USAGE', `${name} runs in the foreground, and logs there`);
  const absent = findAbsent(name, { command: 'logs', up, environment });
  if (absent.kind === 'unknown') return absent.error;
  return new TshuttleError('ERR_USAGE', `${name} has no log: it was never up in the background`, {
    remedy: `start it: tshuttle up ${name}`,
  });
}
