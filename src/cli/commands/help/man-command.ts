import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { readVersion } from '../../version.ts';

/** `tshuttle man` */
export const manCommand = defineCommand<undefined>({
  name: 'man',
  describe: (command, choose) => {
    command
      .summary(TEXTS.man)
      .description(TEXTS.manDescription)
      .usage('')
      .action(() => choose(undefined));
  },
  run: async (_input, { print, describeProgram }) => {
    const { renderManPage } = await import('../../help/render-man.ts');
    const { topicsOn } = await import('../../help/topics.ts');
    const { errorTopics } = await import('../../help/error-pages.ts');
    const { EXIT_MEANINGS } = await import('../../../app/exit-code.ts');
    print(
      renderManPage(await describeProgram(), {
        version: readVersion(),
        date: new Date().toISOString().slice(0, 10),
        platform: process.platform,
        topics: [...topicsOn(), ...errorTopics()],
        exitCodes: EXIT_MEANINGS,
      }),
    );
    return 0;
  },
});
