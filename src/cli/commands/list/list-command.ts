import { EXIT_CODES } from '../../../app/exit-code.ts';
import { formatRemote } from '../../../config/parse/remote.ts';
import { renderProblem } from '../../../core/problem.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { isJsonAsked, jsonOption } from '../../command/json-option.ts';

/** `tshuttle list` */
export const listCommand = defineCommand<{ readonly json: boolean }>({
  name: 'list',
  describe: (command, choose) => {
    command
      .summary('list the profiles')
      .description(
        'Lists the profiles of config.yaml and of the project file up the tree, and which of them are up.',
      )
      .usage('[--json]')
      .optionsGroup('Options:')
      .addOption(jsonOption())
      .action(() => choose({ json: isJsonAsked(command) }));
  },
  run: async ({ json }, { process: context, print }) => {
    const { fitError } = await import('../../command/report.ts');
    const { loadProfiles } = await import('../../../config/profiles/load-profiles.ts');
    const { profileSurroundingsOf } = await import('../../../app/running-tunnels/profile-surroundings.ts');
    const { sudoWarnings, surroundingsOf } = await import('../../../app/running-tunnels/user-folders.ts');
    const { RunningTunnels } = await import('../../../app/running-tunnels/running-tunnels.ts');
    const { profiles, problems, warnings } = loadProfiles('all', profileSurroundingsOf(context.environment));
    const running = await RunningTunnels.find(surroundingsOf(context.environment));
    running.close();
    const rows = profiles.map(({ name, file, config }) => {
      const found = running.named(name)?.report;
      const state = found?.profileFile == null ? 'down' : (found.status?.state.kind ?? 'opening');
      const remote = [config.remote, ...config.remote.standbys].map(formatRemote).join(', ');
      return { name, state, remote, file };
    });
    for (const problem of [...sudoWarnings(context.environment), ...problems, ...warnings])
      process.stderr.write(fitError(`tshuttle: ${renderProblem(problem)}\n`));
    if (json) print(`${JSON.stringify(rows)}\n`);
    else if (rows.length === 0) print('there are no profiles\n');
    else {
      const { columnsOf } = await import('../../rendering/fit-lines.ts');
      const { renderTable } = await import('../../rendering/table.ts');
      print(
        renderTable(
          ['NAME', 'STATE', 'REMOTE', 'FILE'],
          rows.map(({ name, state, remote, file }) => [name, state, remote, file]),
          columnsOf(process.stdout),
        ),
      );
    }
    return problems.length > 0 ? EXIT_CODES.ERR_CONFIG : 0;
  },
});
