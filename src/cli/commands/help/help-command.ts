import type { Command } from 'commander';
import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';

/** `tshuttle help [TOPIC]` */
export const helpCommand = defineCommand<readonly string[]>({
  name: 'help',
  describe: (command, choose) => {
    command
      .summary(TEXTS.helpTopics)
      .description(TEXTS.helpTopicsDescription)
      .usage('[TOPIC]')
      .argument('[TOPIC...]', TEXTS.helpTopic)
      .action((words: string[]) => choose(words));
  },
  run: async (words, { print, refuse, describeProgram }) => {
    const { topicsOn } = await import('../../help/topics.ts');
    const { errorTopics } = await import('../../help/error-pages.ts');
    const { renderTopic, renderTopicList } = await import('../../help/render-text.ts');
    const topics = [...topicsOn(), ...errorTopics()];
    if (words.length === 0) {
      print(renderTopicList(topics));
      return 0;
    }
    const wanted = words.join(' ');
    const topic = topics.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
    const command = commandAt(await describeProgram(), words);
    if (topic !== undefined) {
      print(renderTopic(topic));
      if (command !== undefined) print(`\ntshuttle ${wanted} --help has the options of the command.\n`);
      return 0;
    }
    if (command !== undefined) {
      command.configureOutput({ writeOut: print }).outputHelp();
      return 0;
    }
    const { closestOf } = await import('../../../config/profiles/closest.ts');
    const { line } = await import('../../suggestions/meant-command.ts');
    const program = await describeProgram();
    const names = [...topics, ...visibleIn(program).map((one) => ({ name: one.name() }))].map(
      ({ name }) => name,
    );
    const meant = closestOf(wanted.toLowerCase(), names) ?? closestOf(wanted.toUpperCase(), names);
    const option = program.options.find(({ long, short }) =>
      [wanted, `--${wanted}`, `-${wanted}`].some((word) => word === long || word === short),
    );
    const what =
      option === undefined
        ? `is not a topic; ${meant === undefined ? 'tshuttle help lists them' : `perhaps ${line('help', meant)}`}`
        : `is not a topic; ${option.long} is an option, which tshuttle --help describes`;
    return await refuse('ERR_USAGE', [{ where: `help ${wanted}`, what }]);
  },
});

/** The command that words choose, or the group of some. */
function commandAt(program: Command, words: readonly string[]): Command | undefined {
  return words.reduce<Command | undefined>(
    (parent, word) => parent && visibleIn(parent).find((command) => command.name() === word),
    program,
  );
}

function visibleIn(parent: Command): readonly Command[] {
  return parent.createHelp().visibleCommands(parent);
}
