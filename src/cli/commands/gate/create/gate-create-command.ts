import { defineCommand } from '../../../command/command-definition.ts';
import { TEXTS } from '../../../command/help-text.ts';
import { repeatable } from '../../../command/repeatable.ts';

/** As commander has it. */
interface Options {
  readonly network?: string;
  readonly external: string;
  readonly image: string;
  readonly flavor?: string;
  readonly key?: readonly string[];
  readonly managementKey?: readonly string[];
  readonly allow?: readonly string[];
}

/** `tshuttle gate create` */
export const gateCreateCommand = defineCommand<
  Options & { readonly name: string; readonly network: string; readonly flavor: string }
>({
  name: 'gate create',
  missing:
    'needs a name, as in tshuttle gate create cloud --network private --flavor m1.small --management-key admin.pub',
  describe: (command, choose, refuse) => {
    command
      .summary(TEXTS.gateCreate)
      .description(TEXTS.gateCreateDescription)
      .usage('NAME --network NETWORK --flavor FLAVOR --management-key FILE [options]')
      .argument('<NAME>', TEXTS.gateName)
      .optionsGroup('Options:')
      .option('--network <NETWORK>', TEXTS.gateNetwork)
      .option('--flavor <FLAVOR>', TEXTS.gateFlavor)
      .option('--image <IMAGE>', TEXTS.gateImage, 'debian-13')
      .option('--external <NETWORK>', TEXTS.gateExternal, 'public')
      .option('--key <FILE>', TEXTS.bastionInitKey, repeatable)
      .option('--management-key <FILE>', TEXTS.gateManagementKeyFile, repeatable)
      .option('--allow <SUBNET[:PORT]>', TEXTS.bastionInitAllow, repeatable)
      .action((name: string) => {
        const options = command.opts<Options>();
        const { network, flavor } = options;
        if (network === undefined)
          refuse({ where: '--network', what: 'is missing: the network of the servers behind the gate' });
        else if (flavor === undefined)
          refuse({ where: '--flavor', what: 'is missing: openstack flavor list has them' });
        else choose({ ...options, name, network, flavor });
      });
  },
  run: async (
    { name, network, external, image, flavor, key = [], managementKey = [], allow = [] },
    { print, refuse },
  ) => {
    const { readSetup } = await import('../../bastion/init/bastion-init.ts');
    const { renderCreateCommands, whyNoWord } = await import('../../../../bastion/gates/create-commands.ts');
    const words = Object.entries({
      NAME: name,
      '--network': network,
      '--external': external,
      '--image': image,
      '--flavor': flavor,
    });
    const problems = words.flatMap(([where, text]) => {
      const what = whyNoWord(text);
      return what === undefined ? [] : [{ where: `${where} ${text}`, what }];
    });
    if (problems.length > 0) return await refuse('ERR_USAGE', problems);
    const setup = await readSetup(
      {
        kind: 'gate',
        user: 'tunnel',
        keyFiles: key,
        authorityFiles: [],
        managementKeyFiles: managementKey,
        allowed: allow,
        hasSecondFactor: false,
        hasFail2ban: false,
        hasAuditLog: false,
      },
      refuse,
    );
    if (typeof setup === 'number') return setup;
    print(renderCreateCommands(setup, { name, network, external, image, flavor }));
    return 0;
  },
});
