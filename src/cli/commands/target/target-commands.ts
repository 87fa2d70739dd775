import type { Command } from 'commander';
import type { CommandSession } from '../../command/command-definition.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { isJsonAsked, jsonOption } from '../../command/json-option.ts';
import { TunnelOption } from '../../command/tunnel-options.ts';

/** What a target is made of, as commander has it; what the program takes too is there under its own name. */
interface TargetOptions {
  readonly gate?: string;
  readonly server?: string;
  readonly user?: string;
  readonly identityFiles?: readonly string[];
}

type TargetInput = TargetOptions & { readonly name: string };

function describeTarget(command: Command, summary: string, usage: string): Command {
  return command
    .summary(summary)
    .description(TEXTS.targetDescription)
    .usage(usage)
    .argument('<NAME>', TEXTS.targetName)
    .optionsGroup('Options:')
    .option('--gate <GATE>', TEXTS.targetGate)
    .option('--server <UUID|NAME|ADDRESS>', TEXTS.targetServer)
    .option('--user <ACCOUNT>', TEXTS.targetUser)
    .addOption(new TunnelOption('identityFiles'));
}

async function put(how: 'add' | 'set', input: TargetInput, session: CommandSession): Promise<number> {
  const { name, gate, server, user, identityFiles = [] } = input;
  const { checkedIdentity } = await import('../gate/identity.ts');
  const { putEntry } = await import('../gate/entries.ts');
  const identity = checkedIdentity('-i', identityFiles[0]);
  if (identity.problems.length > 0) return await session.refuse('ERR_CONFIG', identity.problems);
  const values = { gate, server, user, identity: identity.path };
  const flags = { gate: '--gate', server: '--server', user: '--user', identity: '-i' };
  return await putEntry('target', how, { name, values, flags }, session);
}

/** `tshuttle target add` */
export const targetAddCommand = defineCommand<TargetInput>({
  name: 'target add',
  missing: 'needs a name, as in tshuttle target add web --gate cloud --server UUID --user debian',
  describe: (command, choose, refuse) => {
    describeTarget(
      command,
      TEXTS.targetAdd,
      'NAME --gate GATE --server UUID|NAME|ADDRESS --user ACCOUNT [-i KEY]',
    ).action((name: string) => {
      const given = command.optsWithGlobals<TargetOptions>();
      const missing = (['gate', 'server', 'user'] as const).find((key) => given[key] === undefined);
      if (missing !== undefined) refuse({ where: `--${missing}`, what: 'is missing' });
      else if ((given.identityFiles ?? []).length > 1) refuse(TWO_KEYS);
      else choose({ ...given, name });
    });
  },
  run: async (input, session) => await put('add', input, session),
});

const TWO_KEYS = { where: '-i', what: 'is given more than once; a target has one key' };

/** `tshuttle target set` */
export const targetSetCommand = defineCommand<TargetInput>({
  name: 'target set',
  missing: 'needs the name of a target',
  describe: (command, choose, refuse) => {
    describeTarget(
      command,
      TEXTS.targetSet,
      'NAME [--gate GATE] [--server SERVER] [--user ACCOUNT] [-i KEY]',
    ).action((name: string) => {
      const given = command.optsWithGlobals<TargetOptions>();
      const keys = given.identityFiles ?? [];
      if (keys.length > 1) refuse(TWO_KEYS);
      else if (
        keys.length === 0 &&
        [given.gate, given.server, given.user].every((value) => value === undefined)
      )
        refuse({ where: 'target set', what: 'changes nothing without --gate, --server, --user or -i' });
      else choose({ ...given, name });
    });
  },
  run: async (input, session) => await put('set', input, session),
});

/** `tshuttle target list` */
export const targetListCommand = defineCommand<{ readonly asJson: boolean }>({
  name: 'target list',
  describe: (command, choose) => {
    command
      .summary(TEXTS.targetList)
      .description(TEXTS.targetList)
      .usage('[--json]')
      .optionsGroup('Options:')
      .addOption(jsonOption())
      .action(() => choose({ asJson: isJsonAsked(command) }));
  },
  run: async ({ asJson }, session) =>
    await (await import('../gate/entries.ts')).listEntries('target', asJson, session),
});

/** `tshuttle target show` */
export const targetShowCommand = defineCommand<{ readonly name: string; readonly asJson: boolean }>({
  name: 'target show',
  missing: 'needs the name of a target',
  describe: (command, choose) => {
    command
      .summary(TEXTS.targetShow)
      .description(TEXTS.targetShow)
      .usage('NAME [--json]')
      .argument('<NAME>', TEXTS.targetName)
      .optionsGroup('Options:')
      .addOption(jsonOption())
      .action((name: string) => choose({ name, asJson: isJsonAsked(command) }));
  },
  run: async ({ name, asJson }, session) =>
    await (await import('../gate/entries.ts')).showEntry('target', name, asJson, session),
});

/** `tshuttle target remove` */
export const targetRemoveCommand = defineCommand<{ readonly name: string }>({
  name: 'target remove',
  missing: 'needs the name of a target',
  describe: (command, choose) => {
    command
      .summary(TEXTS.targetRemove)
      .description(TEXTS.targetRemove)
      .usage('NAME')
      .argument('<NAME>', TEXTS.targetName)
      .action((name: string) => choose({ name }));
  },
  run: async ({ name }, session) =>
    await (await import('../gate/entries.ts')).removeEntry('target', name, session),
});
