import { type CommandSession, defineCommand } from '../../../command/command-definition.ts';
import { TEXTS } from '../../../command/help-text.ts';
import { isJsonAsked, jsonOption } from '../../../command/json-option.ts';
import { repeatable } from '../../../command/repeatable.ts';
import type { GateKeysInput } from './gate-keys.ts';

async function run(input: GateKeysInput, session: CommandSession): Promise<number> {
  return await (await import('./gate-keys.ts')).gateKeys(input, session);
}

/** `tshuttle gate keys list` */
export const gateKeysListCommand = defineCommand<GateKeysInput>({
  name: 'gate keys list',
  missing: 'needs the name of a gate',
  describe: (command, choose) => {
    command
      .summary(TEXTS.gateKeysList)
      .description(TEXTS.gateKeysList)
      .usage('GATE [--json]')
      .argument('<GATE>', TEXTS.gateName)
      .optionsGroup('Options:')
      .addOption(jsonOption())
      .action((gate: string) => choose({ action: 'list', gate, asJson: isJsonAsked(command) }));
  },
  run,
});

/** `tshuttle gate keys add` */
export const gateKeysAddCommand = defineCommand<GateKeysInput>({
  name: 'gate keys add',
  missing: 'needs the name of a gate and a file, as in tshuttle gate keys add cloud id_ed25519.pub',
  describe: (command, choose) => {
    command
      .summary(TEXTS.gateKeysAdd)
      .description(TEXTS.gateKeysAddDescription)
      .usage('GATE PUBLIC_KEY_FILE [--permit-open HOST:PORT]...')
      .argument('<GATE>', TEXTS.gateName)
      .argument('<PUBLIC_KEY_FILE>', TEXTS.publicKeyFile)
      .optionsGroup('Options:')
      .option('--permit-open <HOST:PORT>', TEXTS.permitOpen, repeatable)
      .action((gate: string, file: string) => {
        const { permitOpen = [] } = command.opts<{ readonly permitOpen?: readonly string[] }>();
        choose({ action: 'add', gate, file, permitOpen });
      });
  },
  run,
});

/** `tshuttle gate keys remove` */
export const gateKeysRemoveCommand = defineCommand<GateKeysInput>({
  name: 'gate keys remove',
  missing: 'needs the name of a gate and a key, as in tshuttle gate keys remove cloud id_ed25519.pub',
  describe: (command, choose) => {
    command
      .summary(TEXTS.gateKeysRemove)
      .description(TEXTS.gateKeysRemoveDescription)
      .usage('GATE PUBLIC_KEY_FILE | FINGERPRINT')
      .argument('<GATE>', TEXTS.gateName)
      .argument('<PUBLIC_KEY_FILE>', TEXTS.publicKeyOrFingerprint)
      .action((gate: string, key: string) => choose({ action: 'remove', gate, key }));
  },
  run,
});
