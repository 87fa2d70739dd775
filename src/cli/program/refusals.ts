import type { Command, CommanderError } from 'commander';
import type { Problem } from '../../core/problem.ts';
import type { AnyCommand } from '../command/command-definition.ts';
import { doneElsewhere, meantByOption, type OptionPlace } from '../suggestions/meant-option.ts';
import { ALL_COMMANDS } from './all-commands.ts';
import { describeForeignOption } from './foreign-options.ts';
import { buildProgram, commandNamed } from './program.ts';
import { tunnelCommands } from './tunnel-commands.ts';

/** An option that there is not, and what it stands among. */
export interface UnknownOption {
  /** As it was given, without a value behind `=`, which may be a password. */
  readonly flag: string;
  readonly words: readonly string[];
  /** The command that the words name. */
  readonly command: AnyCommand | undefined;
  readonly version: string;
}

/** Says what an option is, or does, that is not there, and what to write. */
export async function describeUnknownOption({
  flag,
  words,
  command,
  version,
}: UnknownOption): Promise<Problem> {
  const foreign = describeForeignOption(flag);
  if (foreign !== undefined) return { where: flag, what: foreign };
  const program = await buildProgram(version);
  const own = command === undefined ? [] : commandNamed(program, command.name).options;
  const at = words.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  const next = words[at + 1];
  const remote = words.findIndex((word) => word === '-r' || word === '--remote');
  const place: OptionPlace = {
    flag: words[at] ?? flag,
    next: next?.startsWith('-') === true ? undefined : next,
    remote: remote < 0 ? undefined : words[remote + 1],
    options: [...own, ...program.options, { short: '-h', long: '--help' }].flatMap(({ short, long }) =>
      [short, long].filter((name) => name != null),
    ),
    commands: commandNames(),
  };
  const elsewhere = doneElsewhere(place);
  const others = elsewhere !== undefined && command === undefined ? undefined : await whoHas(flag, version);
  const what = others ?? elsewhere ?? meantByOption(place);
  const which = others === undefined ? 'is not an option' : 'is not an option here';
  return { where: flag, what: what === undefined ? which : `${which}; ${what}` };
}

/** The commands that help names. */
export function commandNames(): readonly string[] {
  return ALL_COMMANDS.filter(({ isHidden }) => isHidden !== true).map(({ name }) => name);
}

/** Which commands have an option, as half a sentence; undefined for one that none has. */
export async function whoHas(flag: string, version: string): Promise<string | undefined> {
  const program = await buildProgram(version);
  const withTunnel = await tunnelCommands();
  const has = (command: Command): boolean =>
    command.options.some(({ short, long }) => short === flag || long === flag);
  const isTunnels = has(program);
  const names = commandNames().filter(
    (name) => has(commandNamed(program, name)) || (isTunnels && flag !== '--save' && withTunnel.has(name)),
  );
  const all = isTunnels ? ['tshuttle -r BASTION', ...names] : names;
  return all.length === 0 ? undefined : `it is one of ${all.join(', ')}`;
}

/** Commander's message in our words; of options that there are not {@link describeUnknownOption} says more. */
export function problemOf(error: CommanderError, command: AnyCommand | undefined): Problem {
  const message = error.message.replace(/^error: /, '').split('\n', 1)[0]!;
  const flag = flagIn(message);
  switch (error.code) {
    case 'commander.optionMissingArgument':
      return { where: flag.split(/[, ]/, 1)[0]!, what: 'needs a value after it' };
    case 'commander.invalidArgument': {
      const [, option, value, choices] =
        /^option '([^ ']+)[^']*' argument '(.*)' is invalid\. Allowed choices are (.*)\.$/.exec(message) ??
        [];
      if (option === undefined) return { where: command?.name ?? 'command line', what: message };
      return { where: `${option} ${value}`, what: `is not one of ${choices}` };
    }
    case 'commander.excessArguments':
      return { where: command?.name ?? flag, what: excess(message) };
    case 'commander.missingArgument':
      return { where: command?.name ?? 'command line', what: command?.missing ?? `needs ${flag}` };
    default:
      return { where: command?.name ?? 'command line', what: message };
  }
}

/** The option that a message of commander's names, without its value, which may be a password. */
export function flagIn(message: string): string {
  return /'([^'=]*)/.exec(message)?.[1] ?? '';
}

/** `too many arguments for 'cleanup'. Expected 0 arguments but got 1.` */
function excess(message: string): string {
  const expected = /Expected (\d+)/.exec(message)?.[1] ?? '0';
  return expected === '0'
    ? 'takes no arguments'
    : `takes ${expected} argument${expected === '1' ? '' : 's'}, not more`;
}
