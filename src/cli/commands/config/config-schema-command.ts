import { defineCommand } from '../../command/command-definition.ts';

/** `tshuttle config schema` */
export const configSchemaCommand = defineCommand<undefined>({
  name: 'config schema',
  describe: (command, choose) => {
    command
      .summary('print the JSON Schema of config.yaml, for editors')
      .description(
        'Prints the JSON Schema of config.yaml and .tshuttle.yaml. Editors that know it complete and check:\n' +
          '  tshuttle config schema > ~/.config/tshuttle/schema.json\n' +
          'and as the first line of config.yaml: # yaml-language-server: $schema=schema.json',
      )
      .usage(' ')
      .action(() => choose(undefined));
  },
  run: async (_input, { print }) => {
    const { profileFileSchema } = await import('../../../config/profiles/json-schema.ts');
    print(`${JSON.stringify(profileFileSchema(), undefined, 2)}\n`);
    return 0;
  },
});
