import type { RawOptions } from '../../../../config/options/table.ts';
import { parseSubnet } from '../../../../config/parse/networks/subnet.ts';
import type { HostPort } from '../../../../net/address/endpoint.ts';
import { parseHostPort } from '../../../../net/address/host-port.ts';
import { defineCommand } from '../../../command/command-definition.ts';
import { TEXTS } from '../../../command/help-text.ts';
import { isJsonAsked, jsonOption } from '../../../command/json-option.ts';
import { rawOptions } from '../../../command/tunnel-options.ts';
import { formatFor } from '../../../rendering/terminal.ts';

/** What `tshuttle bastion audit` is asked for. */
interface BastionAuditInput {
  readonly destinations: readonly HostPort[];
  readonly raw: RawOptions;
  readonly asJson: boolean;
}

/** `tshuttle bastion audit` */
export const bastionAuditCommand = defineCommand<BastionAuditInput>({
  name: 'bastion audit',
  wordsBeforeTunnel: 2,
  describe: (command, choose, refuse) => {
    command
      .summary(TEXTS.bastionAudit)
      .description(TEXTS.bastionAuditDescription)
      .usage('-r [USER@]HOST [options] [HOST:PORT...]')
      .argument('[HOST:PORT...]', TEXTS.bastionAuditDestination)
      .addOption(jsonOption())
      .action((words: string[]) => {
        // TSHUTTLE_ARGS may have networks, which are for a tunnel.
        const destinations = words.flatMap((word) => parseHostPort(word) ?? []);
        const others = words.filter((word) => parseHostPort(word) === undefined);
        const unfit = others.find((word) => parseSubnet(word).kind !== 'network');
        if (unfit !== undefined) {
          refuse({ where: unfit, what: 'is not HOST:PORT, as in db.example:5432' });
          return;
        }
        choose({ destinations, raw: rawOptions(others, command), asJson: isJsonAsked(command) });
      });
  },
  run: async ({ destinations, raw, asJson }, { process: context, print, prepare, configOf }) => {
    const parsed = await configOf(raw, { mayCaptureNothing: true, leavesCloud: true });
    if (typeof parsed === 'number') return parsed;
    const { config } = parsed;
    const { tunnelContext } = await prepare(config, parsed.warnings);
    const { bastionAudit } = await import('./bastion-audit.ts');
    return await bastionAudit(config, destinations, {
      logger: tunnelContext.logger,
      signal: context.stop.signal,
      onStep: tunnelContext.onStep,
      print,
      format: formatFor(asJson, context.environment),
    });
  },
});
