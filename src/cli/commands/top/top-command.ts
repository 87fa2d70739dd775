import { EXIT_STOPPED } from '../../../app/exit-code.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { jsonOption } from '../../command/json-option.ts';

/** Arguments of `tshuttle top`. */
interface TopInput {
  readonly name: string | undefined;
  readonly shows: 'screen' | 'once' | 'json' | 'json until stopped';
}

interface TopOptions {
  readonly once?: true;
  readonly json?: true;
  readonly watch?: true;
}

/** `tshuttle top` */
export const topCommand = defineCommand<TopInput>({
  name: 'top',
  describe: (command, choose, refuse) => {
    command
      .summary(TEXTS.top)
      .description(TEXTS.topDescription)
      .usage('[NAME] [options]')
      .argument('[NAME]', TEXTS.topName)
      .optionsGroup('Options:')
      .option('--once', TEXTS.topOnce)
      .addOption(jsonOption())
      .option('--watch', TEXTS.topWatch)
      .action((name: string | undefined) => {
        const { once, json, watch } = command.opts<TopOptions>();
        if (watch && !json)
          refuse({ where: '--watch', what: 'goes with --json; without it top goes on anyway' });
        else if (watch && once) refuse({ where: '--watch', what: 'does not go with --once' });
        else if (json) choose({ name, shows: watch ? 'json until stopped' : 'json' });
        else choose({ name, shows: once ? 'once' : 'screen' });
      });
  },
  run: async ({ name, shows }, { process: context, print }) => {
    const { environment, stop } = context;
    if (shows === 'json' || shows === 'json until stopped') {
      const { TunnelLooks } = await import('./document/tunnel-looks.ts');
      const { printDocuments } = await import('./document/print-documents.ts');
      context.onReaderGone = () => stop.request(EXIT_STOPPED);
      const looks = new TunnelLooks(name === undefined ? [] : [name], environment);
      return await printDocuments(shows === 'json' ? 'once' : 'until stopped', { looks, print, stop });
    }
    const { surroundingsOf } = await import('../../../app/running-tunnels/user-folders.ts');
    const { top } = await import('./top.ts');
    return await top(name, {
      surroundings: surroundingsOf(environment),
      environment,
      isLive: shows === 'screen' && process.stdout.isTTY === true && process.stdin.isTTY === true,
      print,
      stop,
    });
  },
});
