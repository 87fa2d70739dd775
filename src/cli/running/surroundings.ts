import { EXIT_INTERRUPTED } from '../../app/exit-code.ts';
import { type LineSink, LogOutput, openStandardErrorSink } from '../../app/log/log-output.ts';
import { createLoggers, logFailure, sinkFor } from '../../app/log/logging.ts';
import { SyslogSink } from '../../app/log/syslog-sink.ts';
import type { Prepared } from '../../app/prepared.ts';
import type { ProcessContext } from '../../app/process-context.ts';
import { surroundingsOf } from '../../app/running-tunnels/user-folders.ts';
import type { Config } from '../../config/config.ts';
import { type LookUp, lookUpLocally } from '../../config/resolve-subnets.ts';
import { stateFolderOf } from '../../daemon/files/paths.ts';
import type { Parts } from '../command/parts.ts';
import { AskpassPrompter, askpassProgram } from '../prompt/askpass-prompter.ts';
import { TerminalPrompter } from '../prompt/terminal-prompter.ts';
import { readVersion } from '../version.ts';

/**
 * Logs on standard error, and asks on the terminal or by SSH_ASKPASS.
 *
 * @param name the tunnel's, which goes with every line where there are several
 */
export function prepare(
  config: Pick<Config, 'logFormat' | 'verbosity'> & Partial<Pick<Config, 'syslog'>>,
  context: ProcessContext,
  parts: Parts,
  name?: string,
): Prepared {
  const standardError: LineSink = openStandardErrorSink();
  const onTerminal = process.stderr.isTTY === true;
  const output = new LogOutput(sinkFor(config.logFormat, standardError, { onTerminal }));
  const loggers = createLoggers(
    config.verbosity,
    config.syslog === true ? new SyslogSink(output) : output,
    name,
  );
  const { logger } = loggers;
  if (config.logFormat === 'json') context.reportFailure = (thrown) => logFailure(logger, thrown);
  const terminal = new TerminalPrompter(() => context.stop.request(EXIT_INTERRUPTED));
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
  };
  return { output, loggers, logger, tunnelContext };
}
