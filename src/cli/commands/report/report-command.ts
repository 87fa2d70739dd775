import { OPTIONS, type RawOptions } from '../../../config/options/table.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { rawOptions } from '../../command/tunnel-options.ts';

/** `tshuttle report` */
export const reportCommand = defineCommand<RawOptions>({
  name: 'report',
  wordsBeforeTunnel: 1,
  describe: (command, choose) => {
    command
      .summary(TEXTS.report)
      .description(TEXTS.reportDescription)
      .usage('[PROFILE | -r [USER@]HOST [options] [SUBNET...]] > FILE')
      .argument('[SUBNET...]', OPTIONS.subnets.help)
      .action((subnets: string[]) => {
        choose(rawOptions(subnets, command));
      });
  },
  run: async (raw, session) => {
    const { process: context, print, prepare } = session;
    const { namedConfig } = await import('../../command/named-config.ts');
    const named = await namedConfig(raw, session);
    if (typeof named === 'number') return named;
    const config = named?.config;
    const { verbosity, quiet } = raw;
    const { tunnelContext } = await prepare(
      config ?? { logFormat: 'auto', verbosity, quiet },
      named?.warnings,
    );
    const { examine } = await import('../doctor/examine.ts');
    const { RunningTunnels } = await import('../../../app/running-tunnels/running-tunnels.ts');
    const { surroundingsOf } = await import('../../../app/running-tunnels/user-folders.ts');
    const { isKeptLog } = await import('../../../daemon/files/kept-logs.ts');
    const { composeReport } = await import('./compose.ts');
    const findings = [];
    const { logger, prompter, onStep } = tunnelContext;
    const surroundings = surroundingsOf(context.environment);
    const { signal } = context.stop;
    const running = await RunningTunnels.find(surroundings, 'checked');
    running.close();
    const nothing = { destinations: [], withoutPort: [], by: 'a login' } as const;
    for await (const finding of examine(config, nothing, { logger, prompter, signal, running, onStep })) {
      findings.push(finding);
    }
    onStep?.(undefined);
    const tunnels = running.all.map(({ report }) => report);
    const isOurs = (path: string): boolean => isKeptLog(path, surroundings);
    print(await composeReport({ config, findings, tunnels, isKeptLog: isOurs }));
    return 0;
  },
});
