import type { Config } from '../config/config.ts';
import { type LookUp, lookUpLocally } from '../config/resolve-subnets.ts';
import type { Logger } from '../core/log.ts';
import { stateFolderOf } from '../daemon/files/paths.ts';
import type { Prompter } from '../ssh/prompter.ts';
import type { openTunnel } from '../tunnel/open-tunnel.ts';
import { AskpassPrompter, askpassProgram } from './askpass-prompter.ts';
import { EXIT_INTERRUPTED } from './exit-code.ts';
import { type LineSink, LogOutput, openStandardErrorSink } from './log-output.ts';
import { createLoggers, type Loggers, logFailure, sinkFor } from './logging.ts';
import type { Parts } from './parts.ts';
import type { ProcessContext } from './process-context.ts';
import type { Stop } from './stop.ts';
import { TerminalPrompter } from './terminal-prompter.ts';
import { surroundingsOf } from './user-folders.ts';

/** What a command needs to open tunnels: {@link prepare} makes it. */
export interface Prepared {
  readonly output: LogOutput;
  readonly loggers: Loggers;
  readonly logger: Logger;
  readonly tunnelContext: {
    readonly logger: Logger;
    readonly prompter: Prompter;
    readonly stop: Stop;
    readonly openTunnel: typeof openTunnel;
    readonly lookUp: LookUp;
    readonly stateFolder: string;
  };
}

/**
 * Logs on standard error, and asks on the terminal or by SSH_ASKPASS.
 *
 * @param name the tunnel's, which goes with every line where there are several
 */
export function prepare(
  config: Pick<Config, 'logFormat' | 'verbosity'>,
  context: ProcessContext,
  parts: Parts,
  name?: string,
): Prepared {
  const standardError: LineSink = openStandardErrorSink();
  const onTerminal = process.stderr.isTTY === true;
  const output = new LogOutput(sinkFor(config.logFormat, standardError, { onTerminal }));
  const loggers = createLoggers(config.verbosity, output, name);
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
  };
  return { output, loggers, logger, tunnelContext };
}
