import type { Config } from '../config/config.ts';
import { type Problem, renderProblem } from '../core/problem.ts';
import { meetLauncher } from '../daemon/become-daemon.ts';
import { daemonPaths } from '../daemon/paths.ts';
import { startDaemon } from '../daemon/start-daemon.ts';
import type { CommandSession } from './command-definition.ts';
import { dryRun } from './commands/dry-run.ts';
import { up } from './commands/up.ts';
import { upAsDaemon } from './commands/up-as-daemon.ts';
import { EXIT_INTERRUPTED } from './exit-code.ts';
import type { Parts } from './parts.ts';
import type { ProcessContext } from './process-context.ts';
import { prepare, surroundingsOf } from './surroundings.ts';

/** Does with a tunnel what its configuration says: runs it here or as a daemon, or only shows its rules. @returns the exit code */
export async function runTunnel(
  config: Config,
  warnings: readonly Problem[],
  { process: context, parts, print }: Pick<CommandSession, 'process' | 'parts' | 'print'>,
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

/** This process was started by {@link startDaemon}. @returns the exit code */
export async function runDaemon(context: ProcessContext, parts: Parts): Promise<number> {
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
