import type { RawOptions } from '../../../config/options/table.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { rawOptions } from '../../command/tunnel-options.ts';

/** `tshuttle config show` */
export const configShowCommand = defineCommand<{
  readonly names: readonly string[];
  readonly asJson: boolean;
}>({
  name: 'config show',
  describe: (command, choose) => {
    command
      .summary(TEXTS.configShow)
      .description(TEXTS.configShowDescription)
      .usage('[NAME...] [--json]')
      .argument('[NAME...]', TEXTS.configNames)
      .optionsGroup('Options:')
      .option('--json', TEXTS.json)
      .action((names: string[]) =>
        choose({ names, asJson: command.opts<{ readonly json?: true }>().json === true }),
      );
  },
  run: async ({ names, asJson }, session) =>
    await (await import('./profiles.ts')).showProfiles(names, asJson, session),
});

/** `tshuttle config add` */
export const configAddCommand = defineCommand<{ readonly name: string; readonly raw: RawOptions }>({
  name: 'config add',
  missing: 'needs a name, as in tshuttle config add office -r me@bastion 10.0.0.0/8',
  wordsBeforeTunnel: 3,
  describe: (command, choose) => {
    command
      .summary(TEXTS.configAdd)
      .description(TEXTS.configAddDescription)
      .usage('NAME -r [USER@]HOST[:PORT] [options of tshuttle] SUBNET...')
      .argument('<NAME>', TEXTS.configName)
      .argument('[SUBNET...]', TEXTS.runSubnet)
      .action((name: string, subnets: string[]) => choose({ name, raw: rawOptions(subnets, command) }));
  },
  run: async (input, session) => await (await import('./profiles.ts')).addProfile(input, session),
});

/** `tshuttle config remove` */
export const configRemoveCommand = defineCommand<{ readonly name: string }>({
  name: 'config remove',
  missing: 'needs the name of a profile, as in tshuttle config remove office',
  describe: (command, choose) => {
    command
      .summary(TEXTS.configRemove)
      .description(TEXTS.configRemoveDescription)
      .usage('NAME')
      .argument('<NAME>', TEXTS.configName)
      .action((name: string) => choose({ name }));
  },
  run: async ({ name }, session) => await (await import('./profiles.ts')).removeProfile(name, session),
});

/** `tshuttle config edit` */
export const configEditCommand = defineCommand<undefined>({
  name: 'config edit',
  describe: (command, choose) => {
    command
      .summary(TEXTS.configEdit)
      .description(TEXTS.configEditDescription)
      .usage(' ')
      .action(() => choose(undefined));
  },
  run: async (_input, session) => await (await import('./edit.ts')).editConfig(session),
});
