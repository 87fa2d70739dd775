import { defineCommand } from '../../command/command-definition.ts';
import { describeNames, type NamedTunnels } from '../../command/profile-names.ts';

interface LogsOptions {
  readonly follow?: true;
  readonly lines: string;
}

/** `tshuttle logs` */
export const logsCommand = defineCommand<NamedTunnels & LogsOptions>({
  name: 'logs',
  describe: (command, choose, refuse) => {
    describeNames<LogsOptions>(
      command,
      {
        summary: 'show what tunnels in the background have logged',
        description:
          'Shows the last lines of the logs of tunnels in the background; without NAME of all that are up.',
        argument: '[NAME...]',
      },
      (input) => {
        if (/^\d{1,6}$/.test(input.lines)) choose(input);
        else refuse({ where: `-n ${input.lines}`, what: 'is not a number of lines' });
      },
    )
      .option('-f, --follow', 'go on with what is logged from now on, until Ctrl-C')
      .option('-n, --lines <N>', 'how many lines', '50');
  },
  run: async (input, session) => {
    const { showLogs } = await import('./show-logs.ts');
    return await showLogs({ ...input, lines: Number(input.lines) }, session);
  },
});
