import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';

/** `tshuttle help [TOPIC]` */
export const helpCommand = defineCommand<string | undefined>({
  name: 'help',
  describe: (command, choose) => {
    command
      .summary(TEXTS.helpTopics)
      .description(TEXTS.helpTopicsDescription)
      .usage('[TOPIC]')
      .argument('[TOPIC]', TEXTS.helpTopic)
      .action((topic: string | undefined) => choose(topic));
  },
  run: async (wanted, { print, refuse }) => {
    const { topicsOn } = await import('../../help/topics.ts');
    const { errorTopics } = await import('../../help/error-pages.ts');
    const { renderTopic, renderTopicList } = await import('../../help/render-text.ts');
    const topics = [...topicsOn(), ...errorTopics()];
    if (wanted === undefined) {
      print(renderTopicList(topics));
      return 0;
    }
    const topic = topics.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
    if (topic === undefined) {
      const { closestOf } = await import('../../../config/profiles/closest.ts');
      const names = topics.map(({ name }) => name);
      const meant = closestOf(wanted, names) ?? closestOf(wanted.toUpperCase(), names);
      const what = `is not a topic; ${meant === undefined ? 'tshuttle help lists them' : `perhaps ${meant}`}`;
      return await refuse('ERR_USAGE', [{ where: `help ${wanted}`, what }]);
    }
    print(renderTopic(topic));
    return 0;
  },
});
