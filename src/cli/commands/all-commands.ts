import type { AnyCommand } from '../command-definition.ts';
import { cleanupCommand } from './cleanup-command.ts';
import { completeCommand } from './complete-command.ts';
import { completionCommand } from './completion-command.ts';
import { configCheckCommand } from './config-check-command.ts';
import { configSchemaCommand } from './config-schema-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { explainCommand } from './explain-command.ts';
import { helpCommand } from './help-command.ts';
import { manCommand } from './man-command.ts';
import { sudoersCommand } from './sudoers-command.ts';

/** Every command, in the order in which help names them. */
export const ALL_COMMANDS: readonly AnyCommand[] = [
  explainCommand,
  doctorCommand,
  configCheckCommand,
  configSchemaCommand,
  sudoersCommand,
  cleanupCommand,
  helpCommand,
  manCommand,
  completionCommand,
  completeCommand,
];
