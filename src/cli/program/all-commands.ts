import type { AnyCommand } from '../command/command-definition.ts';

/** What a command line may begin with, and where its definition is. */
export interface KnownCommand {
  /** The word, or words, that choose it: `cleanup`, `openstack check`. */
  readonly name: string;
  /** Not in help. */
  readonly isHidden?: boolean;
  /** What the system has to have, so that the command is of use, and in help. */
  readonly needs?: 'redirector' | 'serviceManager';
  /** Its definition, which a command line of another command does not need. */
  load(): Promise<AnyCommand>;
}

/** Every command, in the order in which help names them. */
export const ALL_COMMANDS: readonly KnownCommand[] = [
  { name: 'up', load: async () => (await import('../commands/up-down/up-command.ts')).upCommand },
  { name: 'down', load: async () => (await import('../commands/up-down/down-command.ts')).downCommand },
  {
    name: 'restart',
    load: async () => (await import('../commands/up-down/restart-command.ts')).restartCommand,
  },
  { name: 'reload', load: async () => (await import('../commands/up-down/reload-command.ts')).reloadCommand },
  { name: 'status', load: async () => (await import('../commands/status/status-command.ts')).statusCommand },
  { name: 'is-up', load: async () => (await import('../commands/status/is-up-command.ts')).isUpCommand },
  { name: 'top', load: async () => (await import('../commands/top/top-command.ts')).topCommand },
  { name: 'list', load: async () => (await import('../commands/list/list-command.ts')).listCommand },
  { name: 'logs', load: async () => (await import('../commands/logs/logs-command.ts')).logsCommand },
  { name: 'login', load: async () => (await import('../commands/login/login-command.ts')).loginCommand },
  { name: 'run', load: async () => (await import('../commands/run/run-command.ts')).runCommand },
  {
    name: 'explain',
    load: async () => (await import('../commands/explain/explain-command.ts')).explainCommand,
  },
  { name: 'doctor', load: async () => (await import('../commands/doctor/doctor-command.ts')).doctorCommand },
  {
    name: 'openstack check',
    load: async () =>
      (await import('../commands/openstack/check/openstack-check-command.ts')).openstackCheckCommand,
  },
  {
    name: 'openstack ssh-config',
    load: async () =>
      (await import('../commands/openstack/ssh-config/openstack-ssh-config-command.ts'))
        .openstackSshConfigCommand,
  },
  {
    name: 'bastion init',
    load: async () => (await import('../commands/bastion/init/bastion-init-command.ts')).bastionInitCommand,
  },
  {
    name: 'bastion audit',
    load: async () =>
      (await import('../commands/bastion/audit/bastion-audit-command.ts')).bastionAuditCommand,
  },
  {
    name: 'gate create',
    load: async () => (await import('../commands/gate/create/gate-create-command.ts')).gateCreateCommand,
  },
  {
    name: 'gate add',
    load: async () => (await import('../commands/gate/gate-commands.ts')).gateAddCommand,
  },
  {
    name: 'gate list',
    load: async () => (await import('../commands/gate/gate-commands.ts')).gateListCommand,
  },
  {
    name: 'gate show',
    load: async () => (await import('../commands/gate/gate-commands.ts')).gateShowCommand,
  },
  {
    name: 'gate remove',
    load: async () => (await import('../commands/gate/gate-commands.ts')).gateRemoveCommand,
  },
  {
    name: 'gate keys list',
    load: async () => (await import('../commands/gate/keys/gate-keys-commands.ts')).gateKeysListCommand,
  },
  {
    name: 'gate keys add',
    load: async () => (await import('../commands/gate/keys/gate-keys-commands.ts')).gateKeysAddCommand,
  },
  {
    name: 'gate keys remove',
    load: async () => (await import('../commands/gate/keys/gate-keys-commands.ts')).gateKeysRemoveCommand,
  },
  {
    name: 'target add',
    load: async () => (await import('../commands/target/target-commands.ts')).targetAddCommand,
  },
  {
    name: 'target list',
    load: async () => (await import('../commands/target/target-commands.ts')).targetListCommand,
  },
  {
    name: 'target show',
    load: async () => (await import('../commands/target/target-commands.ts')).targetShowCommand,
  },
  {
    name: 'target set',
    load: async () => (await import('../commands/target/target-commands.ts')).targetSetCommand,
  },
  {
    name: 'target remove',
    load: async () => (await import('../commands/target/target-commands.ts')).targetRemoveCommand,
  },
  {
    name: 'target ssh-config',
    load: async () =>
      (await import('../commands/target/target-ssh-config-command.ts')).targetSshConfigCommand,
  },
  { name: 'report', load: async () => (await import('../commands/report/report-command.ts')).reportCommand },
  {
    name: 'config show',
    load: async () => (await import('../commands/config/profile-commands.ts')).configShowCommand,
  },
  {
    name: 'config add',
    load: async () => (await import('../commands/config/profile-commands.ts')).configAddCommand,
  },
  {
    name: 'config remove',
    load: async () => (await import('../commands/config/profile-commands.ts')).configRemoveCommand,
  },
  {
    name: 'config edit',
    load: async () => (await import('../commands/config/profile-commands.ts')).configEditCommand,
  },
  {
    name: 'config check',
    load: async () => (await import('../commands/config/config-check-command.ts')).configCheckCommand,
  },
  {
    name: 'config schema',
    load: async () => (await import('../commands/config/config-schema-command.ts')).configSchemaCommand,
  },
  {
    name: 'metrics dashboard',
    load: async () => (await import('../commands/help/metrics-commands.ts')).metricsDashboardCommand,
  },
  {
    name: 'metrics rules',
    load: async () => (await import('../commands/help/metrics-commands.ts')).metricsRulesCommand,
  },
  {
    name: 'sudoers',
    needs: 'redirector',
    load: async () => (await import('../commands/sudoers/sudoers-command.ts')).sudoersCommand,
  },
  {
    name: 'service install',
    needs: 'serviceManager',
    load: async () => (await import('../commands/service/service-commands.ts')).serviceInstallCommand,
  },
  {
    name: 'service uninstall',
    needs: 'serviceManager',
    load: async () => (await import('../commands/service/service-commands.ts')).serviceUninstallCommand,
  },
  {
    name: 'service status',
    needs: 'serviceManager',
    load: async () => (await import('../commands/service/service-commands.ts')).serviceStatusCommand,
  },
  {
    name: 'cleanup',
    needs: 'redirector',
    load: async () => (await import('../commands/cleanup/cleanup-command.ts')).cleanupCommand,
  },
  { name: 'help', load: async () => (await import('../commands/help/help-command.ts')).helpCommand },
  { name: 'man', load: async () => (await import('../commands/help/man-command.ts')).manCommand },
  {
    name: 'completion',
    load: async () => (await import('../commands/completion/completion-command.ts')).completionCommand,
  },
  {
    name: 'complete',
    isHidden: true,
    load: async () => (await import('../commands/completion/complete-command.ts')).completeCommand,
  },
];
