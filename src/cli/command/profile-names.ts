import type { Command } from 'commander';
import { isJsonAsked, jsonOption } from './json-option.ts';

/** Arguments of the commands about named tunnels. */
export interface NamedTunnels {
  readonly names: readonly string[];
  readonly json: boolean;
}

/** Describes `NAME...` and `--json`, and hands them over with whatever other options the command has. */
export function describeNames<Options extends object>(
  command: Command,
  texts: {
    readonly summary: string;
    readonly description: string;
    /** `[NAME...]` where none means all; else the command says which there are where none is given. */
    readonly argument: 'NAME...' | '[NAME...]';
  },
  choose: (input: NamedTunnels & Options) => void,
): Command {
  return command
    .summary(texts.summary)
    .description(texts.description)
    .usage(`${texts.argument} [options]`)
    .argument('[NAME...]', 'names of profiles, or of tunnels that tshuttle status shows')
    .optionsGroup('Options:')
    .addOption(jsonOption())
    .action((names: string[]) => {
      choose({ ...command.opts<Options>(), names: [...new Set(names)], json: isJsonAsked(command) });
    });
}
