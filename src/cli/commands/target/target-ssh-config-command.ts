import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { WRITE_OPTION } from './host-blocks-output.ts';

/** What `tshuttle target ssh-config` is asked for. */
interface TargetSshConfigInput {
  /** Empty: all. */
  readonly names: readonly string[];
  readonly write: string | undefined;
}

/** `tshuttle target ssh-config` */
export const targetSshConfigCommand = defineCommand<TargetSshConfigInput>({
  name: 'target ssh-config',
  describe: (command, choose) => {
    command
      .summary(TEXTS.targetSshConfig)
      .description(TEXTS.targetSshConfigDescription)
      .usage('[NAME...] [--write FILE]')
      .argument('[NAME...]', TEXTS.targetNames)
      .optionsGroup('Options:')
      .option(WRITE_OPTION.flags, WRITE_OPTION.help)
      .action((names: string[]) => {
        choose({ names, write: command.opts<{ readonly write?: string }>().write });
      });
  },
  run: async ({ names, write }, session) => {
    const { loadedGates, unknownEntry } = await import('../gate/load.ts');
    const { hostOfTarget } = await import('../../../config/profiles/target-options.ts');
    const { renderHostBlocks } = await import('../../../config/targets/host-blocks.ts');
    const { putOut } = await import('./host-blocks-output.ts');
    const loaded = await loadedGates(session);
    if (typeof loaded === 'number') return loaded;
    const { targets, file } = loaded;
    const unknown = names.filter((name) => !targets.has(name));
    if (unknown.length > 0) {
      return await session.refuse(
        'ERR_CONFIG',
        unknown.map((name) => unknownEntry('target', name, targets, file)),
      );
    }
    const chosen = [...targets.values()].filter(({ name }) => names.length === 0 || names.includes(name));
    const header = [`the targets of ${file}: tshuttle target ssh-config`];
    putOut(renderHostBlocks(chosen.map(hostOfTarget), header), write, session);
    return 0;
  },
});
