import { defineCommand } from '../../command/command-definition.ts';
import { describeNames, type NamedTunnels } from '../../command/profile-names.ts';

/** `tshuttle reload` */
export const reloadCommand = defineCommand<NamedTunnels>({
  name: 'reload',
  describe: (command, choose) => {
    describeNames(
      command,
      {
        summary: 'apply changed profiles to running tunnels, without touching flows',
        description:
          'Reads the profiles anew. Subnets, excludes and names (zones, hosts, resolve, to_ns, ns_hosts, dns) hold at\n' +
          'once, and no flow is touched; for what else has changed it says which tunnel needs a restart. Without\n' +
          'NAME: every profile that is up.',
        argument: '[NAME...]',
      },
      choose,
    );
  },
  run: async (input, session) => {
    const { reloadProfiles } = await import('./reload-profiles.ts');
    return await reloadProfiles(input, session);
  },
});
