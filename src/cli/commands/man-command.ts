import { defineCommand } from '../command-definition.ts';
import { TEXTS } from '../help-text.ts';
import { readVersion } from '../version.ts';

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
    const { renderManPage } = await import('../manual/render-man.ts');
    const { TOPICS } = await import('../manual/topics.ts');
    const { errorTopics } = await import('../manual/error-pages.ts');
    const { EXIT_MEANINGS } = await import('../exit-code.ts');
    print(
      renderManPage(await describeProgram(), {
        version: readVersion(),
        date: new Date().toISOString().slice(0, 10),
        topics: [...TOPICS, ...errorTopics()],
        exitCodes: EXIT_MEANINGS,
      }),
    );
    return 0;
  },
});
