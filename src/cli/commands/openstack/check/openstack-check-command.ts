import type { RawOptions } from '../../../../config/options/table.ts';
import { parseSubnet } from '../../../../config/parse/networks/subnet.ts';
import { defineCommand } from '../../../command/command-definition.ts';
import { TEXTS } from '../../../command/help-text.ts';
import { isJsonAsked, jsonOption } from '../../../command/json-option.ts';
import { rawOptions } from '../../../command/tunnel-options.ts';
import { formatFor } from '../../../rendering/terminal.ts';

/** Arguments of `tshuttle openstack check`. */
interface OpenstackCheckInput {
  readonly raw: RawOptions;
  readonly asJson: boolean;
}

/** `tshuttle openstack check` */
export const openstackCheckCommand = defineCommand<OpenstackCheckInput>({
  name: 'openstack check',
  wordsBeforeTunnel: 2,
  describe: (command, choose, refuse) => {
    command
      .summary(TEXTS.openstackCheck)
      .description(TEXTS.openstackCheckDescription)
      .usage('[CLOUD] -r [USER@]HOST [options]')
      .argument('[CLOUD...]', TEXTS.openstackChecked)
      .addOption(jsonOption())
      .action((words: string[]) => {
        // TSHUTTLE_ARGS may have networks, which are for a tunnel.
        const isNetwork = (word: string): boolean => parseSubnet(word).kind === 'network';
        const [cloud, ...more] = words.filter((word) => !isNetwork(word));
        if (more.length > 0) {
          refuse({ where: 'openstack check', what: 'takes one CLOUD, not more' });
          return;
        }
        const raw = rawOptions(words.filter(isNetwork), command);
        choose({
          raw: { ...raw, openstack: cloud ?? raw.openstack ?? true },
          asJson: isJsonAsked(command),
        });
      });
  },
  run: async ({ raw, asJson }, { process: context, print, prepare, configOf, refuse }) => {
    const parsed = await configOf(raw, { mayCaptureNothing: true, leavesCloud: true });
    if (typeof parsed === 'number') return parsed;
    const { config } = parsed;
    const { tunnelContext } = await prepare(config, parsed.warnings);
    const { openstackCheck } = await import('./openstack-check.ts');
    return await openstackCheck(config, {
      environment: context.environment,
      logger: tunnelContext.logger,
      prompter: tunnelContext.prompter,
      onStep: tunnelContext.onStep,
      signal: context.stop.signal,
      print,
      refuse,
      format: formatFor(asJson, context.environment),
    });
  },
});
