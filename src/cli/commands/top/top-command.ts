import type { Command } from 'commander';
import { EXIT_STOPPED } from '../../../app/exit-code.ts';
import { Invalid } from '../../../config/parse/invalid.ts';
import { parsePort } from '../../../config/parse/port.ts';
import type { Problem } from '../../../core/problem.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { jsonOption } from '../../command/json-option.ts';

/** What `tshuttle top` is asked to show, and how. */
type Shows =
  | { readonly kind: 'screen' }
  | { readonly kind: 'once' }
  | { readonly kind: 'json'; readonly how: 'once' | 'until stopped' }
  /** `port` 0: any. */
  | { readonly kind: 'page'; readonly port: number };

/** Arguments of `tshuttle top`. */
interface TopInput {
  readonly name: string | undefined;
  readonly shows: Shows;
}

interface TopOptions {
  readonly once?: true;
  readonly json?: true;
  readonly watch?: true;
  readonly web?: true;
  readonly port?: string;
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
      .option('--web', TEXTS.topWeb)
      .option('--port <PORT>', TEXTS.topPort)
      .action((name: string | undefined) => {
        const shows = showsOf(command);
        if ('where' in shows) refuse(shows);
        else choose({ name, shows });
      });
  },
  run: async ({ name, shows }, session) => {
    const { process: context, print } = session;
    const { environment, stop } = context;
    const names = name === undefined ? [] : [name];
    if (shows.kind === 'page') {
      const { topWeb } = await import('./web/top-web.ts');
      return await topWeb(names, shows.port, session);
    }
    if (shows.kind === 'json') {
      const { TunnelLooks } = await import('./document/tunnel-looks.ts');
      const { printDocuments } = await import('./document/print-documents.ts');
      context.onReaderGone = () => stop.request(EXIT_STOPPED);
      return await printDocuments(shows.how, { looks: new TunnelLooks(names, environment), print, stop });
    }
    const { top } = await import('./top.ts');
    return await top(name, { process: context, isOnce: shows.kind === 'once', print });
  },
});

function showsOf(command: Command): Shows | Problem {
  const { once, json, watch, web, port } = command.opts<TopOptions>();
  if (watch && !json) return { where: '--watch', what: 'goes with --json; without it top goes on anyway' };
  if (watch && once) return { where: '--watch', what: 'does not go with --once' };
  if (port !== undefined && !web) return { where: '--port', what: 'goes with --web' };
  if (web && (json || once))
    return { where: '--web', what: `does not go with ${json ? '--json' : '--once'}` };
  if (json) return { kind: 'json', how: watch ? 'until stopped' : 'once' };
  if (!web) return { kind: once ? 'once' : 'screen' };
  const parsed = port === undefined ? 0 : parsePort(port);
  return parsed instanceof Invalid ? { where: '--port', what: parsed.what } : { kind: 'page', port: parsed };
}
