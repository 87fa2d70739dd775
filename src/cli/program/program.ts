import type { EventEmitter } from 'node:events';
import { type Command, Help } from 'commander';
import type { Problem } from '../../core/problem.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import type { AnyCommand, ChosenCommand } from '../command/command-definition.ts';
import { GROUPS, TEXTS } from '../command/help-text.ts';
import { describeProgram } from '../command/tunnel-options.ts';
import { ALL_COMMANDS, type KnownCommand } from './all-commands.ts';
import { watchRepeats } from './repeated-options.ts';

/** How wide help is written at most; narrower where the terminal is. */
const HELP_COLUMNS = 100;

/** Callbacks of the parser. */
interface ProgramEvents {
  /** A piece of help, or the version. */
  readonly onOutput: (text: string) => void;
  /** The words name a command, or a group of them; what is wrong with the others comes next. */
  readonly onNamed: () => void;
  readonly onChosen: (name: string, chosen: ChosenCommand) => void;
  readonly onRefused: (problem: Problem) => void;
  /** Commander finds the words of this command wrong, and throws next. */
  readonly onFailed: (command: AnyCommand) => void;
}

/** The program with all its commands, for help, manual and completion to describe. */
export async function buildProgram(version: string): Promise<Command> {
  const { program, places } = nameCommands(version);
  await Promise.all(places.map((place) => fill(place)));
  return program;
}

/**
 * The program for commander to parse with, by `parseAsync`. It has the names of all commands; what else belongs to a command is
 * loaded when the words turn out to name it.
 */
export function programToParse(version: string, events: ProgramEvents): Command {
  const { program, places } = nameCommands(version, events);
  return program.hook('preSubcommand', async (_program, named) => {
    events.onNamed();
    const chosen = places.filter(({ known }) => known.name.split(' ', 1)[0] === named.name());
    await Promise.all(chosen.map((place) => fill(place, events)));
    for (const { command } of chosen) handDown(program, command);
  });
}

/** Gives a command what the program has taken for an option of a tunnel and the command has by the same name, as `sudoers --user`. */
function handDown(program: Command, command: Command): void {
  for (const option of command.options) {
    const taken = program.options.find(({ long }) => long === option.long)?.attributeName();
    if (taken === undefined || program.getOptionValueSource(taken) !== 'cli') continue;
    const value: unknown = program.getOptionValue(taken);
    // As if the command had read it: commander is an EventEmitter, which its typings do not say.
    for (const one of Array.isArray(value) ? value : [value])
      (command as Command & EventEmitter).emit(`option:${option.name()}`, one);
  }
}

/** A command that is known by its name only. */
interface CommandPlace {
  readonly known: KnownCommand;
  readonly command: Command;
}

function nameCommands(
  version: string,
  events?: ProgramEvents,
): { readonly program: Command; readonly places: readonly CommandPlace[] } {
  const program = describeProgram(version)
    .exitOverride()
    // Commands take this over when they are added.
    .configureOutput({
      writeOut: (text) => events?.onOutput(text),
      writeErr: () => {},
      getOutHelpWidth: () => Math.min(HELP_COLUMNS, process.stdout.columns ?? HELP_COLUMNS),
    })
    .configureHelp({ boxWrap: wrapParagraphs, subcommandTerm: termOf });
  const refuse = (problem: Problem): void => events?.onRefused(problem);
  return {
    program,
    places: ALL_COMMANDS.map((known) => ({ known, command: addCommand(program, known, refuse) })),
  };
}

async function fill({ known, command }: CommandPlace, events?: ProgramEvents): Promise<void> {
  const definition = await known.load();
  let repeated: () => readonly Problem[] = () => [];
  definition.describe(
    command,
    (chosen) => {
      const problems = repeated();
      if (problems.length === 0) events?.onChosen(definition.name, chosen);
      else for (const problem of problems) events?.onRefused(problem);
    },
    (problem) => events?.onRefused(problem),
  );
  repeated = watchRepeats(command);
  command.exitOverride((error) => {
    events?.onFailed(definition);
    throw error;
  });
}

/** `openstack check` is a command of the command `openstack`. */
function addCommand(
  program: Command,
  { name, isHidden = false, needs }: KnownCommand,
  refuse: (problem: Problem) => void,
): Command {
  const hidden = isHidden || (needs !== undefined && systemWords()[needs] === undefined);
  const words = name.split(' ');
  let parent = program;
  for (const word of words.slice(0, -1)) {
    const known = parent.commands.find((command) => command.name() === word);
    parent = known ?? addGroup(parent, word, hidden, refuse);
  }
  const command = parent.command(words.at(-1)!, { hidden });
  return command.helpGroup('Commands:').helpOption('-h, --help', TEXTS.help);
}

/** A word that is no command by itself. */
function addGroup(
  parent: Command,
  word: string,
  hidden: boolean,
  refuse: (problem: Problem) => void,
): Command {
  const group = parent.command(word, { hidden }).helpGroup('Commands:').helpCommand(false).exitOverride();
  const name = parent.parent === null ? word : `${parent.name()} ${word}`;
  // What is no command of the group is told below, with those that are.
  return group
    .summary(GROUPS[word] ?? '')
    .optionsGroup('Options:')
    .helpOption('-h, --help', TEXTS.help)
    .allowExcessArguments()
    .action(async () => {
      const { meantInGroup } = await import('../suggestions/meant-command.ts');
      const names = group.commands.map((command) => command.name());
      refuse(meantInGroup(name, names, group.args));
    });
}

/** A command of the program, by the words that choose it. */
export function commandNamed(program: Command, name: string): Command {
  return name
    .split(' ')
    .reduce((parent, word) => parent.commands.find((command) => command.name() === word)!, program);
}

/** What the list of commands calls one: without `[options]`, which most have. */
function termOf(this: Help, command: Command): string {
  return Help.prototype.subcommandTerm.call(this, command).replace(' [options]', '');
}

/** Wraps texts that are broken into lines already, of whatever length; blank and indented lines stay as they are. */
function wrapParagraphs(this: Help, text: string, columns: number): string {
  return Help.prototype.boxWrap.call(this, text.replace(/(?<=\S)\n(?=\S)/g, ' '), columns);
}
