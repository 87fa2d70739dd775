import { defineCommand } from '../command-definition.ts';
import { TEXTS } from '../help-text.ts';
import type { CommanderOptions } from '../tunnel-options.ts';

/** What `tshuttle cleanup` is asked for. */
interface CleanupInput {
  readonly verbosity: number;
  readonly logFormat: string | undefined;
}

/** `tshuttle cleanup` */
export const cleanupCommand = defineCommand<CleanupInput>({
  name: 'cleanup',
  describe: (command, choose) => {
    command
      .summary(TEXTS.cleanup)
      .description(TEXTS.cleanupDescription)
      .usage('[-v] [--log-format FORMAT]')
      .optionsGroup('Options:')
      // For its help: the program takes these wherever they stand.
      .option('-v, --verbose', TEXTS.cleanupVerbose)
      .option('--log-format <FORMAT>', TEXTS.logFormat)
      .action(() => {
        const { verbose, logFormat } = command.optsWithGlobals<CommanderOptions>();
        choose({ verbosity: verbose, logFormat });
      });
  },
  run: async ({ verbosity, logFormat = 'auto' }, { process, parts, print, prepare, refuse }) => {
    if (logFormat !== 'auto' && logFormat !== 'text' && logFormat !== 'json') {
      return await refuse('ERR_USAGE', [
        { where: `--log-format ${logFormat}`, what: 'is not one of auto, text, json' },
      ]);
    }
    const { logger } = await prepare({ logFormat, verbosity });
    const { signal, requested } = process.stop;
    const { cleanup } = await import('./cleanup.ts');
    await cleanup({ cleanUp: parts.cleanUp, logger, signal, print });
    return signal.aborted ? await requested : 0;
  },
});
