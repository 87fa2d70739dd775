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
  run: async (_input, { process: { environment }, print, refuse, describeProgram }) => {
    const date = dateOf(environment);
    if (date === undefined) {
      const what = 'is not a number of seconds since 1970, in up to 11 digits';
      return refuse('ERR_USAGE', [{ where: 'SOURCE_DATE_EPOCH', what }]);
    }
    const { renderManPage } = await import('../../help/render-man.ts');
    const { topicsOn } = await import('../../help/topics.ts');
    const { errorTopics } = await import('../../help/error-pages.ts');
    const { EXIT_MEANINGS } = await import('../../../app/exit-code.ts');
    print(
      renderManPage(await describeProgram(), {
        version: readVersion(),
        date,
        platform: process.platform,
        topics: [...topicsOn(), ...errorTopics()],
        exitCodes: EXIT_MEANINGS,
      }),
    );
    return 0;
  },
});

/** The day of the page: that of the source where a build says it, so that the same source makes the same page on any day. */
function dateOf({
  SOURCE_DATE_EPOCH: seconds,
}: Readonly<Record<string, string | undefined>>): string | undefined {
  if (seconds && !/^\d{1,11}$/.test(seconds)) return undefined;
  return (seconds ? new Date(Number(seconds) * 1000) : new Date()).toISOString().slice(0, 10);
}
