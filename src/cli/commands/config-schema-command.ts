import { readFile } from 'node:fs/promises';
import { defineCommand } from '../command-definition.ts';

/** What the profiles are checked with, for editors; also in the package. */
const SCHEMA_FILE = new URL('../../config/profiles/config.schema.json', import.meta.url);

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
    print(await readFile(SCHEMA_FILE, 'utf8'));
    return 0;
  },
});
