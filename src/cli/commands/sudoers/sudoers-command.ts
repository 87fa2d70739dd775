import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';

/** Arguments of `tshuttle sudoers`. */
interface SudoersInput {
  readonly action: 'print' | 'install' | 'uninstall';
  readonly user: string | undefined;
}

/** `tshuttle sudoers` */
export const sudoersCommand = defineCommand<SudoersInput>({
  name: 'sudoers',
  describe: (command, choose, refuse) => {
    command
      .summary(TEXTS.sudoers)
      .description(TEXTS.sudoersDescription)
      .usage('[--install | --uninstall] [--user NAME]')
      .optionsGroup('Options:')
      .option('--install', TEXTS.sudoersInstall)
      .option('--uninstall', TEXTS.sudoersUninstall)
      .option('--user <NAME>', TEXTS.sudoersUser)
      .action((options: { install?: true; uninstall?: true; user?: string }) => {
        const { install, uninstall, user } = options;
        if (install && uninstall) {
          refuse({ where: '--uninstall', what: 'cannot be combined with --install' });
          return;
        }
        choose({ action: install ? 'install' : uninstall ? 'uninstall' : 'print', user });
      });
  },
  run: async ({ action, user }, { process, print, refuse }) => {
    const { sudoers } = await import('./sudoers.ts');
    return await sudoers({ action, user }, { ...process, print, refuse });
  },
});
