import { homedir } from 'node:os';
import { collectArgumentWords } from '../config/argument-words.ts';
import type { Config } from '../config/config.ts';
import { parseConfig, whyUnreadable } from '../config/parse-config.ts';
import { type LookUp, lookUpLocally } from '../config/resolve-subnets.ts';
import { readTextFile } from '../config/text-file.ts';
import { type Problem, renderProblem } from '../core/problem.ts';
import { isDaemonChild, meetLauncher } from '../daemon/become-daemon.ts';
import { type DaemonSurroundings, daemonPaths, stateFolderOf } from '../daemon/paths.ts';
import { startDaemon } from '../daemon/start-daemon.ts';
import type { openTunnel } from '../tunnel/tunnel.ts';
import { type Invocation, parseArguments } from './arguments.ts';
import { AskpassPrompter, askpassProgram } from './askpass-prompter.ts';
import { type CleanUp, cleanup } from './commands/cleanup.ts';
import { dryRun } from './commands/dry-run.ts';
import { type ExplainedDestination, explain } from './commands/explain.ts';
import { up } from './commands/up.ts';
import { upAsDaemon } from './commands/up-as-daemon.ts';
import { EXIT_CODES, EXIT_INTERRUPTED, exitCodeOf } from './exit-code.ts';
import { type LineSink, LogOutput, openStandardErrorSink } from './log-output.ts';
import { createLoggers, logFailure, sinkFor, wantsJson } from './logging.ts';
import type { ProcessContext } from './process-context.ts';
import { type ProblemCode, problemLines, renderProblems } from './report.ts';
import { TerminalPrompter } from './terminal-prompter.ts';
import { readVersion } from './version.ts';

/** What the command line drives. */
export interface Parts {
  readonly openTunnel: typeof openTunnel;
  readonly cleanUp: CleanUp;
}

/** Does what the command line says. Never rejects: failures are reported, and their exit code is returned. */
export async function tshuttle(context: ProcessContext, parts: Parts): Promise<number> {
  // Before anything else, and whatever comes: ps(1) shows the arguments, and one of them may be a password.
  process.title = 'tshuttle';
  const environmentWords = context.environment['TSHUTTLE_ARGS'];
  delete context.environment['TSHUTTLE_ARGS'];
  try {
    if (isDaemonChild(context.environment)) return await runDaemon(context, parts);
    return await runCommand(context, parts, environmentWords);
  } catch (error) {
    context.reportFailure(error);
    return exitCodeOf(error);
  }
}

async function runCommand(
  context: ProcessContext,
  parts: Parts,
  environmentWords: string | undefined,
): Promise<number> {
  const sources = { environment: environmentWords, arguments: context.arguments };
  const { words, problems } = collectArgumentWords(sources, readTextFile);
  const refuse = wantsJson(words) ? refuseAsJson : refuseAsText;
  if (problems.length > 0) return refuse('ERR_CONFIG', problems);
  const invocation = parseArguments(words, readVersion());
  switch (invocation.kind) {
    case 'text':
      print(invocation.text);
      return 0;
    case 'refused':
      return refuse('ERR_USAGE', [invocation.problem]);
    case 'cleanup':
      return await runCleanup(invocation, context, parts);
    case 'explain':
    case 'tunnel': {
      const result = parseConfig(invocation.raw, {
        readTextFile,
        whyUnreadable,
        homeDirectory: homedir(),
        workingDirectory: process.cwd(),
      });
      if (result.kind === 'problems') {
        return refuse(result.blame === 'files' ? 'ERR_CONFIG' : 'ERR_USAGE', result.problems);
      }
      return invocation.kind === 'explain'
        ? await runExplain(invocation.destination, result.config, context, parts)
        : await runTunnel(result.config, result.warnings, context, parts);
    }
  }
}

async function runTunnel(
  config: Config,
  warnings: readonly Problem[],
  context: ProcessContext,
  parts: Parts,
): Promise<number> {
  const { logger, tunnelContext } = prepare(config, context, parts);
  for (const warning of warnings) logger.warn(renderProblem(warning));
  switch (config.mode.kind) {
    case 'dry-run':
      await dryRun(config, {
        ...tunnelContext,
        logger,
        signal: context.stop.signal,
        environment: context.environment,
        print,
      });
      return 0;
    case 'foreground':
      return await up(config, {
        ...tunnelContext,
        onReady: async (readyLine) => print(`tshuttle: ${readyLine}\n`),
      });
    case 'daemon': {
      const { script, environment, stop } = context;
      const start = await startDaemon(config, { script, environment, signal: stop.signal });
      if (start.kind === 'stopped') return EXIT_INTERRUPTED;
      if (start.kind === 'ended') return start.exitCode === 0 ? EXIT_INTERRUPTED : start.exitCode;
      const { logFile } = daemonPaths(config, surroundingsOf(environment));
      print(
        `tshuttle: ${start.readyLine}, process id ${start.pid} (stop: kill ${start.pid}; log: ${logFile})\n`,
      );
      return 0;
    }
  }
}

async function runExplain(
  destination: ExplainedDestination,
  config: Config,
  context: ProcessContext,
  parts: Parts,
): Promise<number> {
  const { logger, tunnelContext } = prepare(config, context, parts);
  const { signal } = context.stop;
  await explain(destination, config, { logger, signal, lookUp: tunnelContext.lookUp, print });
  return 0;
}

/** This process was started by {@link startDaemon}. */
async function runDaemon(context: ProcessContext, parts: Parts): Promise<number> {
  const launcher = await meetLauncher(() => context.stop.request(EXIT_INTERRUPTED));
  const { config } = launcher;
  const { output, loggers, tunnelContext } = prepare(config, context, parts);
  const surroundings = surroundingsOf(context.environment);
  return await upAsDaemon(
    config,
    launcher,
    { process: context, surroundings, output, loggers },
    tunnelContext,
  );
}

function surroundingsOf(environment: ProcessContext['environment']): DaemonSurroundings {
  return {
    runtimeDirectory: environment['XDG_RUNTIME_DIR'],
    stateHome: environment['XDG_STATE_HOME'],
    homeDirectory: homedir(),
  };
}

function prepare(config: Pick<Config, 'logFormat' | 'verbosity'>, context: ProcessContext, parts: Parts) {
  const standardError: LineSink = openStandardErrorSink();
  const onTerminal = process.stderr.isTTY === true;
  const output = new LogOutput(sinkFor(config.logFormat, standardError, { onTerminal }));
  const loggers = createLoggers(config.verbosity, output);
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

async function runCleanup(
  invocation: Extract<Invocation, { kind: 'cleanup' }>,
  context: ProcessContext,
  parts: Parts,
): Promise<number> {
  const { logFormat = 'auto', verbosity } = invocation;
  if (logFormat !== 'auto' && logFormat !== 'text' && logFormat !== 'json') {
    const problem = { where: `--log-format ${logFormat}`, what: 'is not one of auto, text, json' };
    return refuseAsText('ERR_USAGE', [problem]);
  }
  const { logger } = prepare({ logFormat, verbosity }, context, parts);
  const { signal } = context.stop;
  await cleanup({ cleanUp: parts.cleanUp, logger, signal, print });
  return signal.aborted ? await context.stop.requested : 0;
}

function refuseAsText(code: ProblemCode, problems: readonly Problem[]): number {
  process.stderr.write(renderProblems(problems, code));
  return EXIT_CODES[code];
}

function refuseAsJson(code: ProblemCode, problems: readonly Problem[]): number {
  const { logger } = createLoggers(0, openStandardErrorSink());
  for (const line of problemLines(problems)) logger.error(line, { code });
  return EXIT_CODES[code];
}

function print(text: string): void {
  process.stdout.write(text);
}
