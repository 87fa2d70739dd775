import { defineCommand } from '../../../command/command-definition.ts';
import { TEXTS } from '../../../command/help-text.ts';
import { TunnelOption } from '../../../command/tunnel-options.ts';
import { WRITE_OPTION } from '../../target/host-blocks-output.ts';
import type { OpenstackSshConfigInput } from './openstack-ssh-config.ts';

/** As commander has it; what the program takes too is there under its own name. */
interface Options {
  readonly gate?: string;
  readonly user?: string;
  readonly network?: string;
  readonly identityFiles?: readonly string[];
  readonly write?: string;
}

/** `tshuttle openstack ssh-config` */
export const openstackSshConfigCommand = defineCommand<OpenstackSshConfigInput>({
  name: 'openstack ssh-config',
  describe: (command, choose, refuse) => {
    command
      .summary(TEXTS.openstackSshConfig)
      .description(TEXTS.openstackSshConfigDescription)
      .usage('[CLOUD] --gate GATE [options]')
      .argument('[CLOUD]', TEXTS.openstackChecked)
      .optionsGroup('Options:')
      .option('--gate <GATE>', TEXTS.gateOfServers)
      .option('--user <ACCOUNT>', TEXTS.userOfServers)
      .addOption(new TunnelOption('identityFiles'))
      .option('--network <NETWORK>', TEXTS.networkOfServers)
      .option(WRITE_OPTION.flags, WRITE_OPTION.help)
      .action((cloud: string | undefined) => {
        const { gate, user, network, identityFiles = [], write } = command.optsWithGlobals<Options>();
        if (gate === undefined) {
          refuse({ where: '--gate', what: 'is missing: name a gate from tshuttle gate list, or USER@HOST' });
          return;
        }
        if (identityFiles.length > 1) {
          refuse({ where: '-i', what: 'is given more than once; the servers are logged in to with one key' });
          return;
        }
        choose({ cloud, gate, user, network, identity: identityFiles[0], write });
      });
  },
  run: async (input, session) => {
    const { openstackSshConfig } = await import('./openstack-ssh-config.ts');
    return await openstackSshConfig(input, session);
  },
});
