import type { AnyCommand } from '../command-definition.ts';
import { cleanupCommand } from './cleanup-command.ts';
import { configCheckCommand } from './config-check-command.ts';
import { configSchemaCommand } from './config-schema-command.ts';
import { explainCommand } from './explain-command.ts';
import { sudoersCommand } from './sudoers-command.ts';

/** Every command, in the order in which help names them. */
export const ALL_COMMANDS: readonly AnyCommand[] = [
  explainCommand,
  configCheckCommand,
  configSchemaCommand,
  sudoersCommand,
  cleanupCommand,
];
