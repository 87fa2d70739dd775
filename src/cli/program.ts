import type { Command } from 'commander';
import type { Problem } from '../core/problem.ts';
import type { AnyCommand, ChosenCommand } from './command-definition.ts';
import { ALL_COMMANDS } from './commands/all-commands.ts';
import { GROUPS, TEXTS } from './help-text.ts';
import { describeProgram } from './tunnel-options.ts';

/** How wide help is written. */
const HELP_COLUMNS = 100;

/** What the words of a command line come to. */
interface ProgramEvents {
  /** A piece of help, or the version. */
  readonly onOutput: (text: string) => void;
  readonly onChosen: (name: string, chosen: ChosenCommand) => void;
  readonly onRefused: (problem: Problem) => void;
  /** Commander finds the words of this command wrong, and throws next. */
  readonly onFailed: (command: AnyCommand) => void;
}

/** The program with all its commands, for commander to parse, or for help, manual and completion to describe. */
export function buildProgram(version: string, events?: ProgramEvents): Command {
  const program = describeProgram(version)
    .exitOverride()
    // Commands take this over when they are added.
    .configureOutput({
      writeOut: (text) => events?.onOutput(text),
      writeErr: () => {},
      getOutHelpWidth: () => HELP_COLUMNS,
    });
  const refuse = (problem: Problem): void => events?.onRefused(problem);
  for (const definition of ALL_COMMANDS) {
    const command = addCommand(program, definition, refuse);
    definition.describe(command, (chosen) => events?.onChosen(definition.name, chosen), refuse);
    command.exitOverride((error) => {
      events?.onFailed(definition);
      throw error;
    });
  }
  return program;
}

/** `openstack check` is a command of the command `openstack`. */
function addCommand(
  program: Command,
  { name, isHidden = false }: AnyCommand,
  refuse: (problem: Problem) => void,
): Command {
  const words = name.split(' ');
  let parent = program;
  for (const word of words.slice(0, -1)) {
    const known = parent.commands.find((command) => command.name() === word);
    parent = known ?? addGroup(parent, word, refuse);
  }
  const command = parent.command(words.at(-1)!, { hidden: isHidden });
  return command.helpGroup('Commands:').helpOption('-h, --help', TEXTS.help);
}

/** A word that is no command by itself. */
function addGroup(parent: Command, word: string, refuse: (problem: Problem) => void): Command {
  const group = parent.command(word).helpGroup('Commands:').helpCommand(false).exitOverride();
  return group.summary(GROUPS[word] ?? '').action(() => {
    const names = group.commands.map((command) => command.name());
    refuse({ where: word, what: `is followed by one of ${names.join(', ')}` });
  });
}
