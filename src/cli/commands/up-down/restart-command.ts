import { defineCommand } from '../../command/command-definition.ts';
import { describeNames, type NamedTunnels } from '../../command/profile-names.ts';

/** `tshuttle restart` */
export const restartCommand = defineCommand<NamedTunnels>({
  name: 'restart',
  describe: (command, choose) => {
    describeNames(
      command,
      {
        summary: 'end tunnels and start them again',
        description:
          'Ends tunnels and starts them again with what their profiles say now. Flows end.\n' +
          'Nothing is ended when one of the profiles is wrong.',
        argument: 'NAME...',
      },
      choose,
    );
  },
  run: async (input, session) => {
    if (input.names.length === 0) {
      const { missingName } = await import('../../command/missing-name.ts');
      const problems = await missingName('restart', 'profile', session.process.environment);
      return await session.refuse('ERR_USAGE', problems);
    }
    const { startProfiles } = await import('./start-profiles.ts');
    return await startProfiles({ ...input, replace: true }, session);
  },
});
