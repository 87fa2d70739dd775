import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';

/** Arguments of `tshuttle top`. */
interface TopInput {
  readonly name: string | undefined;
  readonly once: boolean;
}

/** `tshuttle top` */
export const topCommand = defineCommand<TopInput>({
  name: 'top',
  describe: (command, choose) => {
    command
      .summary(TEXTS.top)
      .description(TEXTS.topDescription)
      .usage('[NAME] [--once]')
      .argument('[NAME]', TEXTS.topName)
      .option('--once', TEXTS.topOnce)
      .action((name: string | undefined) => {
        const { once } = command.opts<{ readonly once?: true }>();
        choose({ name, once: once === true });
      });
  },
  run: async ({ name, once }, { process: context, print }) => {
    const { surroundingsOf } = await import('../../../app/running-tunnels/user-folders.ts');
    const { top } = await import('./top.ts');
    return await top(name, {
      surroundings: surroundingsOf(context.environment),
      environment: context.environment,
      isLive: !once && process.stdout.isTTY === true && process.stdin.isTTY === true,
      print,
      stop: context.stop,
    });
  },
});
