import { type Complete, RootCommand, type Command as TabCommand } from '@bomb.sh/tab';
import type { Argument, Command, Option } from 'commander';

/** What may stand in a place of the command line. */
export interface CompletionValues {
  /** Hosts that ssh knows. */
  readonly hosts: () => readonly string[];
  /** Names of profiles. */
  readonly profiles: () => readonly string[];
  /** Files that the word which is being typed may become. */
  readonly files: () => readonly string[];
}

type Source = keyof CompletionValues | readonly string[];

/** By the name of an option's value or of an argument: what stands there. */
const SOURCES: Readonly<Record<string, Source>> = {
  '[USER@]HOST[:PORT]': 'hosts',
  'HOP[,HOP...]': 'hosts',
  FILE: 'files',
  NAME: 'profiles',
  'NAME...': 'profiles',
  PROFILE: 'profiles',
  METHOD: ['auto', 'nft', 'iptables'],
  FORMAT: ['auto', 'text', 'json'],
  WHO: ['auto', 'bastion'],
  TRANSPORT: ['auto', 'ssh2', 'openssh'],
  SHELL: ['bash', 'zsh', 'fish'],
};

/** The commands and options of the program, as the completion library takes them. */
export function completionTree(program: Command, values: CompletionValues): RootCommand {
  const root = new RootCommand();
  describe(root, [program], values);
  for (const command of leaves(program)) {
    const path = pathOf(command);
    // Options of the program may stand behind every command.
    describe(root.command(path.join(' '), command.summary()), [command, program], values);
  }
  return root;
}

function describe(target: TabCommand, commands: readonly Command[], values: CompletionValues): void {
  const seen = new Set<string>();
  for (const command of commands) {
    for (const option of command.createHelp().visibleOptions(command)) {
      const name = option.long?.slice(2);
      if (name === undefined || seen.has(name)) continue;
      seen.add(name);
      addOption(target, name, option, values);
    }
  }
  for (const argument of commands[0]!.registeredArguments) {
    target.argument(argument.name(), completer(argumentSource(argument), values), argument.variadic);
  }
}

function addOption(target: TabCommand, name: string, option: Option, values: CompletionValues): void {
  const value = /[<[](.*)[>\]]$/.exec(option.flags)?.[1];
  const alias = option.short?.slice(1);
  const description = option.description;
  if (value === undefined) {
    if (alias === undefined) target.option(name, description);
    else target.option(name, description, alias);
  } else target.option(name, description, completer(SOURCES[value], values), alias);
}

function argumentSource(argument: Argument): Source | undefined {
  return argument.argChoices ?? SOURCES[argument.name()];
}

function completer(source: Source | undefined, values: CompletionValues): (complete: Complete) => void {
  return (complete) => {
    if (source === undefined) return;
    for (const value of typeof source === 'string' ? values[source]() : source) complete(value, '');
  };
}

function leaves(parent: Command): readonly Command[] {
  const visible = parent.createHelp().visibleCommands(parent);
  return visible.flatMap((command) => [command, ...leaves(command)]);
}

function pathOf(command: Command): readonly string[] {
  const { parent } = command;
  return parent === null || parent.parent === null ? [command.name()] : [...pathOf(parent), command.name()];
}
