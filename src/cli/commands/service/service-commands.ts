import type { Command } from 'commander';
import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { isJsonAsked, jsonOption } from '../../command/json-option.ts';
import type { ServiceInput } from './service-input.ts';

interface ServiceOptions {
  readonly system?: true;
  readonly print?: true;
}

/** `tshuttle service install` */
export const serviceInstallCommand = defineCommand<ServiceInput>({
  name: 'service install',
  describe: (command, choose) => {
    describeService(command, TEXTS.serviceInstall, TEXTS.serviceInstallDescription, '[NAME...]', choose)
      .argument('[NAME...]', TEXTS.serviceNames)
      .option('--print', TEXTS.servicePrint);
  },
  run: async (input, session) => {
    const { installService } = await import('./service-install.ts');
    return await installService(input, session);
  },
});

/** `tshuttle service uninstall` */
export const serviceUninstallCommand = defineCommand<ServiceInput>({
  name: 'service uninstall',
  describe: (command, choose) => {
    describeService(command, TEXTS.serviceUninstall, TEXTS.serviceUninstall, '[NAME...]', choose).argument(
      '[NAME...]',
      TEXTS.serviceUninstallNames,
    );
  },
  run: async (input, session) => {
    const { uninstallService } = await import('./service-uninstall.ts');
    return await uninstallService(input, session);
  },
});

/** `tshuttle service status` */
export const serviceStatusCommand = defineCommand<ServiceInput>({
  name: 'service status',
  describe: (command, choose) => {
    describeService(command, TEXTS.serviceStatus, TEXTS.serviceStatus, '', choose).addOption(jsonOption());
  },
  run: async (input, session) => {
    const { serviceStatus } = await import('./service-status.ts');
    return await serviceStatus(input, session);
  },
});

function describeService(
  command: Command,
  summary: string,
  description: string,
  usage: string,
  choose: (input: ServiceInput) => void,
): Command {
  return command
    .summary(summary)
    .description(description)
    .usage(`${usage} [options]`.trim())
    .optionsGroup('Options:')
    .option('--system', TEXTS.serviceSystem)
    .action(() => {
      const { system, print } = command.opts<ServiceOptions>();
      const names = [...new Set(command.args)];
      choose({ names, system: system === true, print: print === true, json: isJsonAsked(command) });
    });
}
