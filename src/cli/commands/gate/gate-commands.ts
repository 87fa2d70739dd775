import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { isJsonAsked, jsonOption } from '../../command/json-option.ts';
import { TunnelOption } from '../../command/tunnel-options.ts';

/** What a gate is added with, as commander has it; what the program takes too is there under its own name. */
interface AddOptions {
  readonly remote?: readonly string[];
  readonly identityFiles?: readonly string[];
  readonly managementKey?: string;
  readonly managementUser?: string;
}

/** `tshuttle gate add` */
export const gateAddCommand = defineCommand<
  Omit<AddOptions, 'remote'> & { readonly name: string; readonly remote: string }
>({
  name: 'gate add',
  missing: 'needs a name, as in tshuttle gate add cloud -r tunnel@gate.example.com',
  describe: (command, choose, refuse) => {
    command
      .summary(TEXTS.gateAdd)
      .description(TEXTS.gateAddDescription)
      .usage('NAME -r [USER@]HOST[:PORT] [options]')
      .argument('<NAME>', TEXTS.gateName)
      .optionsGroup('Options:')
      // For its help: the program takes these wherever they stand.
      .addOption(new TunnelOption('remote'))
      .addOption(new TunnelOption('identityFiles'))
      .option('--management-key <FILE>', TEXTS.managementKey)
      .option('--management-user <ACCOUNT>', TEXTS.managementUser)
      .action((name: string) => {
        const {
          remote: remotes = [],
          identityFiles = [],
          ...management
        } = command.optsWithGlobals<AddOptions>();
        const [remote] = remotes;
        if (remote === undefined)
          refuse({ where: '-r', what: 'is missing; name the gate, as in -r tunnel@gate.example.com' });
        else if (remotes.length > 1)
          refuse({ where: '-r', what: 'is given more than once; a gate is one server' });
        else if (identityFiles.length > 1)
          refuse({ where: '-i', what: 'is given more than once; a gate has one key' });
        else choose({ name, remote, identityFiles, ...management });
      });
  },
  run: async ({ name, remote, identityFiles, managementKey, managementUser }, session) => {
    const { checkedIdentity } = await import('./identity.ts');
    const { putEntry } = await import('./entries.ts');
    const identity = checkedIdentity('-i', identityFiles?.[0]);
    const management = checkedIdentity('--management-key', managementKey);
    const problems = [...identity.problems, ...management.problems];
    if (problems.length > 0) return await session.refuse('ERR_CONFIG', problems);
    const values = {
      remote,
      identity: identity.path,
      management_key: management.path,
      management_user: managementUser,
    };
    const flags = {
      remote: '-r',
      identity: '-i',
      management_key: '--management-key',
      management_user: '--management-user',
    };
    return await putEntry('gate', 'add', { name, values, flags }, session);
  },
});

/** `tshuttle gate list` */
export const gateListCommand = defineCommand<{ readonly asJson: boolean }>({
  name: 'gate list',
  describe: (command, choose) => {
    command
      .summary(TEXTS.gateList)
      .description(TEXTS.gateList)
      .usage('[--json]')
      .optionsGroup('Options:')
      .addOption(jsonOption())
      .action(() => choose({ asJson: isJsonAsked(command) }));
  },
  run: async ({ asJson }, session) =>
    await (await import('./entries.ts')).listEntries('gate', asJson, session),
});

/** `tshuttle gate show` */
export const gateShowCommand = defineCommand<{ readonly name: string; readonly asJson: boolean }>({
  name: 'gate show',
  missing: 'needs the name of a gate',
  describe: (command, choose) => {
    command
      .summary(TEXTS.gateShow)
      .description(TEXTS.gateShow)
      .usage('NAME [--json]')
      .argument('<NAME>', TEXTS.gateName)
      .optionsGroup('Options:')
      .addOption(jsonOption())
      .action((name: string) => choose({ name, asJson: isJsonAsked(command) }));
  },
  run: async ({ name, asJson }, session) =>
    await (await import('./entries.ts')).showEntry('gate', name, asJson, session),
});

/** `tshuttle gate remove` */
export const gateRemoveCommand = defineCommand<{ readonly name: string }>({
  name: 'gate remove',
  missing: 'needs the name of a gate',
  describe: (command, choose) => {
    command
      .summary(TEXTS.gateRemove)
      .description(TEXTS.gateRemoveDescription)
      .usage('NAME')
      .argument('<NAME>', TEXTS.gateName)
      .action((name: string) => choose({ name }));
  },
  run: async ({ name }, session) => await (await import('./entries.ts')).removeEntry('gate', name, session),
});
