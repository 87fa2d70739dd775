import type { Command } from 'commander';

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
    /** `[NAME...]` where none means all. */
    readonly argument: '<NAME...>' | '[NAME...]';
  },
  choose: (input: NamedTunnels & Options) => void,
): Command {
  return command
    .summary(texts.summary)
    .description(texts.description)
    .usage(`${texts.argument.replace(/[<>]/g, '')} [options]`)
    .argument(texts.argument, 'names of profiles, or of tunnels that tshuttle status shows')
    .optionsGroup('Options:')
    .option('--json', 'for programs')
    .action((names: string[]) => {
      const options = command.opts<Options & { readonly json?: true }>();
      choose({ ...options, names: [...new Set(names)], json: options.json === true });
    });
}
