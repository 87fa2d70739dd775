import type { Config } from '../../config/config.ts';
import type { Launcher } from '../../daemon/become-daemon.ts';
import { type DaemonSurroundings, daemonPaths } from '../../daemon/paths.ts';
import { PidFile } from '../../daemon/pid-file.ts';
import { makePrivateFolder } from '../../daemon/private-folder.ts';
import { RotatingFile } from '../../daemon/rotating-file.ts';
import type { LogOutput } from '../log-output.ts';
import { type Loggers, logFailure, sinkFor } from '../logging.ts';
import type { ProcessContext } from '../process-context.ts';
import { type UpContext, up } from './up.ts';

/** What {@link upAsDaemon} needs beside the context of every tunnel. */
export interface DaemonContext {
  readonly process: ProcessContext;
  readonly surroundings: DaemonSurroundings;
  readonly output: LogOutput;
  readonly loggers: Loggers;
}

/**
 * Runs a tunnel as the daemon that a `-D` command has started: on the terminal until it carries, then without one.
 *
 * Its files are opened first, so that what is wrong with them is said before anybody is asked for a password.
 *
 * @returns the exit code
 */
export async function upAsDaemon(
  config: Config,
  launcher: Launcher,
  daemon: DaemonContext,
  context: Omit<UpContext, 'onReady'>,
): Promise<number> {
  const { process, loggers, output } = daemon;
  const paths = daemonPaths(config, daemon.surroundings);
  for (const folder of paths.privateFolders) makePrivateFolder(folder);
  const log = new RotatingFile(paths.logFile);
  const pidFile = PidFile.claim(paths.pidFile);
  let wasUp = false;
  try {
    const exitCode = await up(config, {
      ...context,
      onReady: async (readyLine) => {
        await launcher.detach(readyLine);
        output.moveTo(sinkFor(config.logFormat, log, { onTerminal: false }));
        process.reportFailure = (thrown) => logFailure(loggers.logger, thrown);
        process.hangUp = () => log.reopen();
        loggers.milestones.info(`up: ${readyLine}`);
        wasUp = true;
      },
    });
    if (wasUp) loggers.milestones.info('stopped as asked');
    return exitCode;
  } finally {
    pidFile.release();
  }
}
