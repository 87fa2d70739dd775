import { exitCodeOf } from '../../../app/exit-code.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { describeNames, type NamedTunnels } from '../../command/profile-names.ts';

interface DownOptions {
  readonly all?: true;
  readonly quiet?: true;
}

/** `tshuttle down` */
export const downCommand = defineCommand<NamedTunnels & DownOptions>({
  name: 'down',
  describe: (command, choose) => {
    describeNames<DownOptions>(
      command,
      {
        summary: 'end tunnels',
        description:
          'Ends tunnels, and returns when their rules are gone. It is no error if one is already down, but a name\n' +
          'that no tunnel and no profile has is one. A process that does not answer within 5 s is ended with\n' +
          'all its tunnels, and killed if it takes longer than another 3 s.',
        argument: '[NAME...]',
      },
      choose,
    )
      .option('--all', 'every tunnel of this user, those in the foreground too')
      .option('-q, --quiet', 'say only what is wrong');
  },
  run: async ({ names, all, quiet, json }, { process, print, refuse }) => {
    if (names.length === 0 && all !== true) {
      const { missingName } = await import('../../command/missing-name.ts');
      const problems = await missingName('down', 'tunnel', process.environment, ', or --all');
      return await refuse('ERR_USAGE', problems);
    }
    const { endTunnels } = await import('./down.ts');
    const { progressLine } = await import('../../rendering/progress-line.ts');
    if (quiet === true) progressLine.silence();
    progressLine.step(`ending ${all === true ? 'every tunnel' : names.join(', ')}`);
    const results = await endTunnels(all === true ? 'all' : names, process.environment).finally(() =>
      progressLine.step(undefined),
    );
    if (json) print(`${JSON.stringify(results.map(({ name, state }) => ({ name, state })))}\n`);
    else if (quiet !== true) {
      if (results.length === 0) print('no tunnel is up\n');
      const lines = results.filter(({ failure }) => failure === undefined).map(({ line }) => line);
      const { printFitted } = await import('../../rendering/fit-lines.ts');
      for (const line of new Set(lines)) printFitted(print)(`tshuttle: ${line}\n`);
    }
    const failures = results.flatMap(({ failure }) => failure ?? []);
    for (const failure of failures) process.reportFailure(failure);
    return failures.length === 0 ? 0 : exitCodeOf(failures[0]);
  },
});
