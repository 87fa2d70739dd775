import { Option } from 'commander';
import { BASTION_KINDS, type BastionKind } from '../../../../bastion/setup.ts';
import { defineCommand } from '../../../command/command-definition.ts';
import { TEXTS } from '../../../command/help-text.ts';
import { repeatable } from '../../../command/repeatable.ts';
import type { BastionInitInput } from './bastion-init.ts';

/** As commander has it. */
interface Options {
  readonly for?: BastionKind;
  readonly user: string;
  readonly key?: readonly string[];
  readonly ca?: readonly string[];
  readonly managementKey?: readonly string[];
  readonly allow?: readonly string[];
  readonly totp?: true;
  readonly fail2ban?: true;
  readonly auditLog?: true;
  readonly output?: string;
}

/** `tshuttle bastion init` */
export const bastionInitCommand = defineCommand<BastionInitInput>({
  name: 'bastion init',
  describe: (command, choose, refuse) => {
    command
      .summary(TEXTS.bastionInit)
      .description(TEXTS.bastionInitDescription)
      .usage('--for debian|cloud-init|container|gate --key FILE [options]')
      .optionsGroup('Options:')
      .addOption(new Option('--for <KIND>', TEXTS.bastionInitFor).choices(BASTION_KINDS))
      .option('--user <ACCOUNT>', TEXTS.bastionInitUser, 'tunnel')
      .option('--key <FILE>', TEXTS.bastionInitKey, repeatable)
      .option('--ca <FILE>', TEXTS.bastionInitCa, repeatable)
      .option('--management-key <FILE>', TEXTS.bastionInitManagementKey, repeatable)
      .option('--allow <SUBNET[:PORT]>', TEXTS.bastionInitAllow, repeatable)
      .option('--totp', TEXTS.bastionInitTotp)
      .option('--fail2ban', TEXTS.bastionInitFail2ban)
      .option('--audit-log', TEXTS.bastionInitAuditLog)
      .option('--output <PATH>', TEXTS.bastionInitOutput)
      .action((options: Options) => {
        if (options.for === undefined) {
          refuse({ where: '--for', what: `is missing: one of ${BASTION_KINDS.join(', ')}` });
          return;
        }
        choose({
          kind: options.for,
          user: options.user,
          keyFiles: options.key ?? [],
          authorityFiles: options.ca ?? [],
          managementKeyFiles: options.managementKey ?? [],
          allowed: options.allow ?? [],
          hasSecondFactor: options.totp === true,
          hasFail2ban: options.fail2ban === true,
          hasAuditLog: options.auditLog === true,
          output: options.output,
        });
      });
  },
  run: async (input, { print, refuse }) => {
    const { bastionInit } = await import('./bastion-init.ts');
    return await bastionInit(input, { print, refuse });
  },
});
