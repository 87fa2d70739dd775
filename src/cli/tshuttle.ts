import { homedir } from 'node:os';
import { collectArgumentWords } from '../config/argument-words.ts';
import type { Config } from '../config/config.ts';
import { parseConfig, whyUnreadable } from '../config/parse-config.ts';
import { readTextFile } from '../config/text-file.ts';
import { type Problem, renderProblem } from '../core/problem.ts';
import { isDaemonChild, meetLauncher } from '../daemon/become-daemon.ts';
import { daemonPaths } from '../daemon/paths.ts';
import { startDaemon } from '../daemon/start-daemon.ts';
import { parseArguments } from './arguments.ts';
import type { CommandSession } from './command-definition.ts';
import { dryRun } from './commands/dry-run.ts';
import { up } from './commands/up.ts';
import { upAsDaemon } from './commands/up-as-daemon.ts';
import { EXIT_CODES, EXIT_INTERRUPTED, exitCodeOf } from './exit-code.ts';
import { openStandardErrorSink } from './log-output.ts';
import { createLoggers, wantsJson } from './logging.ts';
import type { Parts } from './parts.ts';
import type { ProcessContext } from './process-context.ts';
import { type ProblemCode, problemLines, renderProblems } from './report.ts';
import { prepare, surroundingsOf } from './surroundings.ts';
import { readVersion } from './version.ts';

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
  const session = openSession(context, parts, refuse);
  const invocation = parseArguments(words, readVersion());
  switch (invocation.kind) {
    case 'text':
      print(invocation.text);
      return 0;
    case 'refused':
      return refuse('ERR_USAGE', [invocation.problem]);
    case 'command':
      return await invocation.run(session);
    case 'tunnel': {
      const parsed = session.configOf(invocation.raw);
      return typeof parsed === 'number'
        ? parsed
        : await runTunnel(parsed.config, parsed.warnings, context, parts);
    }
  }
}

/** Says what is wrong; the exit code is returned. */
type Refuse = CommandSession['refuse'];

function openSession(context: ProcessContext, parts: Parts, refuse: Refuse): CommandSession {
  return {
    process: context,
    parts,
    print,
    refuse,
    prepare: (config) => prepare(config, context, parts),
    configOf: (raw) => {
      const result = parseConfig(raw, {
        readTextFile,
        whyUnreadable,
        homeDirectory: homedir(),
        workingDirectory: process.cwd(),
      });
      return result.kind === 'config'
        ? result
        : refuse(result.blame === 'files' ? 'ERR_CONFIG' : 'ERR_USAGE', result.problems);
    },
  };
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
