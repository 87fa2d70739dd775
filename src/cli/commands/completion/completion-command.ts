import { Argument } from 'commander';
import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';

/** `tshuttle completion SHELL` */
export const completionCommand = defineCommand<string>({
  name: 'completion',
  missing: 'needs a shell, as in tshuttle completion bash',
  describe: (command, choose) => {
    command
      .summary(TEXTS.completion)
      .description(TEXTS.completionDescription)
      .usage('bash|zsh|fish')
      .addArgument(new Argument('<SHELL>', TEXTS.completionShell).choices(['bash', 'zsh', 'fish']))
      .action((shell: string) => choose(shell));
  },
  run: async (shell, { print }) => {
    const { COMPLETION_SCRIPTS } = await import('./scripts.ts');
    print(COMPLETION_SCRIPTS[shell] ?? '');
    return 0;
  },
});
