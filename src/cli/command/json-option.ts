import { type Command, Option } from 'commander';
import { TEXTS } from './help-text.ts';

/** `--json`, for {@link Command.addOption}. */
export function jsonOption(): Option {
  return new Option('--json', TEXTS.json);
}

/** Whether a command line has {@link jsonOption}. */
export function isJsonAsked(command: Command): boolean {
  return command.opts<{ readonly json?: true }>().json === true;
}
