import { renderProblem } from '../../../core/problem.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { describeNames, type NamedTunnels } from '../../command/profile-names.ts';

/** `tshuttle status` */
export const statusCommand = defineCommand<NamedTunnels>({
  name: 'status',
  describe: (command, choose) => {
    describeNames(
      command,
      {
        summary: 'show the tunnels of this user: their state, and remedies',
        description:
          'Shows the tunnels of this user, of profiles and of command lines: state and since when, bastion, round-trip\n' +
          'time, flows now, held and in all, bytes, the last error and what to do.',
        argument: '[NAME...]',
      },
      choose,
    );
  },
  run: async ({ names, json }, { process: context, print }) => {
    const { RunningTunnels } = await import('../../../app/running-tunnels/running-tunnels.ts');
    const { sudoWarnings, surroundingsOf } = await import('../../../app/running-tunnels/user-folders.ts');
    const running = await RunningTunnels.find(surroundingsOf(context.environment), 'checked');
    try {
      const wanted =
        names.length === 0
          ? running.all
          : await Promise.all(names.map((name) => running.mustBeNamed(name, context.environment)));
      const reports = wanted.map(({ client, report }) => ({ ...report, pid: client.daemon.pid }));
      if (json) print(`${JSON.stringify({ tunnels: reports, silent: running.silent })}\n`);
      else {
        const { renderStatus } = await import('../../rendering/status-text.ts');
        print(renderStatus(reports, running.silent, Date.now()));
        for (const warning of reports.length === 0 ? sudoWarnings(context.environment) : [])
          process.stderr.write(`tshuttle: ${renderProblem(warning)}\n`);
      }
      return 0;
    } finally {
      running.close();
    }
  },
});
