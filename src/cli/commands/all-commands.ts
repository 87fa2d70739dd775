import type { AnyCommand } from '../command-definition.ts';
import { cleanupCommand } from './cleanup-command.ts';
import { completeCommand } from './complete-command.ts';
import { completionCommand } from './completion-command.ts';
import { configCheckCommand } from './config-check-command.ts';
import { configSchemaCommand } from './config-schema-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { downCommand } from './down-command.ts';
import { explainCommand } from './explain-command.ts';
import { helpCommand } from './help-command.ts';
import { listCommand } from './list-command.ts';
import { loginCommand } from './login-command.ts';
import { logsCommand } from './logs-command.ts';
import { manCommand } from './man-command.ts';
import { openstackCheckCommand } from './openstack-check-command.ts';
import { reloadCommand } from './reload-command.ts';
import { reportCommand } from './report-command.ts';
import { restartCommand } from './restart-command.ts';
import { runCommand } from './run-command.ts';
import { SERVICE_COMMANDS } from './service-commands.ts';
import { statusCommand } from './status-command.ts';
import { sudoersCommand } from './sudoers-command.ts';
import { topCommand } from './top-command.ts';
import { upCommand } from './up-command.ts';

/** Every command, in the order in which help names them. */
export const ALL_COMMANDS: readonly AnyCommand[] = [
  upCommand,
  downCommand,
  restartCommand,
  reloadCommand,
  statusCommand,
  topCommand,
  listCommand,
  logsCommand,
  loginCommand,
  runCommand,
  explainCommand,
  doctorCommand,
  openstackCheckCommand,
  reportCommand,
  configCheckCommand,
  configSchemaCommand,
  sudoersCommand,
  ...SERVICE_COMMANDS,
  cleanupCommand,
  helpCommand,
  manCommand,
  completionCommand,
  completeCommand,
];
