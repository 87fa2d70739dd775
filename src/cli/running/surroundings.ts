import { EXIT_INTERRUPTED } from '../../app/exit-code.ts';
import { isAllJson } from '../../app/log/log-format.ts';
import { type LineSink, LogOutput, openStandardErrorSink } from '../../app/log/log-output.ts';
import { createLoggers, ERRORS_ONLY, logFailure, sinkFor } from '../../app/log/logging.ts';
import { SyslogSink } from '../../app/log/syslog-sink.ts';
import type { Prepared } from '../../app/prepared.ts';
import type { ProcessContext } from '../../app/process-context.ts';
import { surroundingsOf } from '../../app/running-tunnels/user-folders.ts';
import type { Config } from '../../config/config.ts';
import { type LookUp, lookUpLocally } from '../../config/resolve-subnets.ts';
import type { Step } from '../../core/progress.ts';
import { stateFolderOf } from '../../daemon/files/paths.ts';
import type { Asker } from '../../daemon/start/protocol.ts';
import type { Parts } from '../command/parts.ts';
import { AskpassPrompter, askpassProgram } from '../prompt/askpass-prompter.ts';
import { LauncherPrompter } from '../prompt/launcher-prompter.ts';
import { TerminalPrompter } from '../prompt/terminal-prompter.ts';
import { columnsOf, fitLines } from '../rendering/fit-lines.ts';
import { hasColour } from '../rendering/has-colour.ts';
import { progressLine } from '../rendering/progress-line.ts';
import { readVersion } from '../version.ts';

/** Of which of several tunnels it is said. */
function named(step: Step | undefined, name: string | undefined): Step | undefined {
  if (step === undefined || name === undefined) return step;
  if (typeof step === 'object') return { ...step, words: `${name}: ${step.words}` };
  return typeof step === 'string' ? `${name}: ${step}` : () => `${name}: ${step()}`;
}

/** Asks on the terminal of this process, where Ctrl-C ends it. */
export function terminalOf({ stop }: Pick<ProcessContext, 'stop'>): TerminalPrompter {
  return new TerminalPrompter(() => stop.request(EXIT_INTERRUPTED));
}

/**
 * Logs on standard error, and asks on the terminal or by SSH_ASKPASS.
 *
 * @param of `name`, the tunnel's, goes with every line where there are several; `asker` is who asks in the place of a terminal of ours
 */
export function prepare(
  config: Pick<Config, 'logFormat' | 'verbosity'> & Partial<Pick<Config, 'syslog' | 'quiet'>>,
  context: ProcessContext,
  parts: Parts,
  { name, asker }: { readonly name?: string | undefined; readonly asker?: Asker | undefined } = {},
): Prepared {
  const standardError: LineSink = openStandardErrorSink();
  const isForPeople = config.logFormat !== 'json';
  const aboveProgress: LineSink = {
    write: (line) => {
      progressLine.erase();
      standardError.write(isForPeople ? fitLines(line, columnsOf(process.stderr)) : line);
    },
  };
  const onTerminal = process.stderr.isTTY === true;
  const verbosity = config.quiet === true ? ERRORS_ONLY : config.verbosity;
  if (verbosity === ERRORS_ONLY || config.logFormat === 'json') progressLine.silence();
  const place = {
    onTerminal,
    hasColour: hasColour(context.environment, onTerminal),
    isDetailed: verbosity > 1,
  };
  const output = new LogOutput(sinkFor(config.logFormat, aboveProgress, place));
  const loggers = createLoggers(verbosity, config.syslog === true ? new SyslogSink(output) : output, name);
  const { logger } = loggers;
  if (isAllJson(config.logFormat, config.verbosity))
    context.reportFailure = (thrown) => logFailure(logger, thrown);
  const terminal = asker === undefined ? terminalOf(context) : new LauncherPrompter(asker);
  const askpass = askpassProgram(context.environment, terminal.available);
  const prompter =
    askpass === undefined ? terminal : new AskpassPrompter(askpass, context.environment, logger);
  const lookUp: LookUp = lookUpLocally;
  const stateFolder = stateFolderOf(surroundingsOf(context.environment));
  const tunnelContext = {
    logger,
    prompter,
    stop: context.stop,
    openTunnel: parts.openTunnel,
    lookUp,
    stateFolder,
    version: readVersion(),
    onStep: (step: Step | undefined) => progressLine.step(named(step, name)),
  };
  return { output, loggers, logger, tunnelContext };
}
