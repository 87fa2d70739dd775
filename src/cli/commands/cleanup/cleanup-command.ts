import { OPTIONS, type RawOptions } from '../../../config/options/table.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { TunnelOption } from '../../command/tunnel-options.ts';

/** Arguments of `tshuttle cleanup`. */
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
      .addOption(new TunnelOption('logFormat'))
      .action(() => {
        const { verbosity = 0, logFormat } = command.optsWithGlobals<Partial<RawOptions>>();
        choose({ verbosity, logFormat });
      });
  },
  run: async ({ verbosity, logFormat: given }, { process, parts, print, prepare, refuse }) => {
    const { choices, otherwise } = OPTIONS.logFormat;
    const logFormat = given === undefined ? otherwise : choices.find((choice) => choice === given);
    if (logFormat === undefined) {
      const what = `is not one of ${choices.join(', ')}`;
      return await refuse('ERR_USAGE', [{ where: `--log-format ${given}`, what }]);
    }
    const { logger } = await prepare({ logFormat, verbosity });
    const { signal, requested } = process.stop;
    const { cleanup } = await import('./cleanup.ts');
    await cleanup({ cleanUp: parts.cleanUp, logger, signal, print });
    return signal.aborted ? await requested : 0;
  },
});
