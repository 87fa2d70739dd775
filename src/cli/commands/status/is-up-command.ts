import { defineCommand } from '../../command/command-definition.ts';

interface IsUpInput {
  readonly names: readonly string[];
  readonly isQuiet: boolean;
}

/** `tshuttle is-up` */
export const isUpCommand = defineCommand<IsUpInput>({
  name: 'is-up',
  describe: (command, choose) => {
    command
      .summary('tell a script whether tunnels are up and well')
      .description(
        'Prints nothing and ends with 0 when the tunnels of these names are up and well, or without NAME all there are.\n' +
          'Otherwise a line for each says why not, and the exit code is 1 while one connects, 2 when one works badly, 3 when one needs you,\n' +
          '4 when none is up, or one of NAME is not.',
      )
      .usage('[NAME...] [--quiet]')
      .argument('[NAME...]', 'names of profiles, or of tunnels that tshuttle status shows')
      .optionsGroup('Options:')
      .option('-q, --quiet', 'the exit code alone')
      .action((names: string[]) => {
        choose({
          names: [...new Set(names)],
          isQuiet: command.opts<{ readonly quiet?: true }>().quiet === true,
        });
      });
  },
  run: async ({ names, isQuiet }, { process: context }) => {
    const { isNothing, lookAt } = await import('../../../app/running-tunnels/tunnel-views.ts');
    const { HEALTHS } = await import('../../../app/running-tunnels/health.ts');
    const now = await lookAt('is-up', names, context.environment, 'health alone');
    if (now.health !== 'up' && !isQuiet) {
      const { whyNotUp } = await import('./why-not-up.ts');
      const { fitError } = await import('../../command/report.ts');
      const { howToStart } = await import('../../../app/running-tunnels/what-there-is.ts');
      process.stderr.write(
        fitError(whyNotUp(now, isNothing(now) ? await howToStart(context.environment) : '')),
      );
    }
    return HEALTHS.indexOf(now.health);
  },
});
