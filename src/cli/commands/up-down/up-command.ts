import { defineCommand } from '../../command/command-definition.ts';
import { describeNames, type NamedTunnels } from '../../command/profile-names.ts';

interface UpOptions {
  readonly target?: string;
  readonly foreground?: true;
  readonly quiet?: true;
}

/** `tshuttle up` */
export const upCommand = defineCommand<NamedTunnels & UpOptions>({
  name: 'up',
  describe: (command, choose) => {
    describeNames<UpOptions>(
      command,
      {
        summary: 'start tunnels in the background, by the names of their profiles',
        description:
          'Starts tunnels in the background, and returns when they carry. Profiles stand in config.yaml in\n' +
          '$XDG_CONFIG_HOME/tshuttle (~/.config/tshuttle), or in .tshuttle.yaml up the tree:\n\n' +
          '  profiles:\n    office:\n      remote: me@bastion.example.com\n      subnets: [10.0.0.0/8]',
        argument: '[NAME...]',
      },
      choose,
    )
      .option('--target <TARGET>', 'those whose bastion is this target, of tshuttle target list')
      .option('-q, --quiet', 'say nothing but errors and questions, and log nothing but errors')
      .option('--foreground', 'stay in the foreground, and log to standard error: for service managers');
  },
  run: async (input, session) => {
    if (input.names.length === 0 && input.target === undefined) {
      const { missingName } = await import('../../command/missing-name.ts');
      const problems = await missingName('up', 'profile', session.process.environment);
      return await session.refuse('ERR_USAGE', problems);
    }
    const { startProfiles } = await import('./start-profiles.ts');
    return await startProfiles(input, session);
  },
});
