import { type Command, CommanderError } from 'commander';
import type { RawOptions } from '../../config/options/table.ts';
import type { Problem } from '../../core/problem.ts';
import type { AnyCommand, ChosenCommand } from '../command/command-definition.ts';
import { rawOptions } from '../command/tunnel-options.ts';
import { ALL_COMMANDS } from './all-commands.ts';
import { describeForeignOption } from './foreign-options.ts';
import { buildProgram, programToParse } from './program.ts';

/** The parsed command line. */
export type Invocation =
  | { readonly kind: 'tunnel'; readonly raw: RawOptions }
  | ({ readonly kind: 'command'; readonly name: string } & ChosenCommand)
  /** Text to print, and nothing more to do: help or version. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

/** Or the first option that there is not, of which commander throws before it reads on. */
type Parsed =
  | Invocation
  | { readonly kind: 'unknown-option'; readonly flag: string; readonly problem: Problem };

/** So many options that there are not are named at once. */
const MAX_UNKNOWN_OPTIONS = 20;

/** Tells options from subnets and commands; nothing is checked yet but that every option exists and has its value. */
export async function parseArguments(words: readonly string[], version: string): Promise<Invocation> {
  const problems: Problem[] = [];
  let rest = words;
  for (;;) {
    const parsed = await parseWords(rest, version);
    if (parsed.kind !== 'unknown-option') {
      // What else is wrong may come of a value that stood after one of them.
      return problems.length === 0 ? parsed : { kind: 'refused', problems };
    }
    problems.push(parsed.problem);
    const place = rest.findIndex((word) => word === parsed.flag || word.startsWith(`${parsed.flag}=`));
    if (place === -1 || problems.length === MAX_UNKNOWN_OPTIONS) return { kind: 'refused', problems };
    rest = rest.toSpliced(place, 1);
  }
}

async function parseWords(words: readonly string[], version: string): Promise<Parsed> {
  let invocation: Invocation | undefined;
  let failed: AnyCommand | undefined;
  let isAboutCommand = false;
  let output = '';
  const program = programToParse(version, {
    onOutput: (text) => (output += text),
    onNamed: () => (isAboutCommand = true),
    onChosen: (name, chosen) => (invocation = { kind: 'command', name, ...chosen }),
    onRefused: (problem) => (invocation = { kind: 'refused', problems: [problem] }),
    onFailed: (command) => (failed = command),
  });
  program.action((subnets: string[]) => {
    invocation = invocationOf(rawOptions(subnets, program));
  });
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed' && !isAboutCommand) {
      return { kind: 'text', text: await programHelp(version) };
    }
    if (error.exitCode === 0) return { kind: 'text', text: output };
    const problem = problemOf(error, failed);
    if (error.code === 'commander.unknownOption') {
      const flag = flagIn(error.message);
      const elsewhere = describeForeignOption(flag) === undefined ? await whoHas(flag, version) : undefined;
      const what = elsewhere === undefined ? problem.what : `is not an option here; ${elsewhere}`;
      return { kind: 'unknown-option', flag, problem: { ...problem, what } };
    }
    return { kind: 'refused', problems: [problem] };
  }
  if (invocation === undefined) throw new Error('commander ran no action');
  if (invocation.kind !== 'command') return invocation;
  const strange = await strangeOptions(program, invocation.name, version);
  return strange.length === 0 ? invocation : { kind: 'refused', problems: strange };
}

/** The options of a tunnel that were given to a command that has them not: commander takes them wherever they stand. */
async function strangeOptions(program: Command, name: string, version: string): Promise<Problem[]> {
  const known = ALL_COMMANDS.find((command) => command.name === name);
  if (known === undefined || (await known.load()).wordsBeforeTunnel !== undefined) return [];
  const own = commandNamed(program, name).options.map(({ long }) => long);
  const given = program.options.filter(
    (option) => !own.includes(option.long) && program.getOptionValueSource(option.attributeName()) === 'cli',
  );
  return await Promise.all(
    given.map(async ({ short, long }) => {
      const flag = short ?? long ?? '';
      return { where: flag, what: `is not an option of ${name}; ${await whoHas(flag, version)}` };
    }),
  );
}

/** Which commands have an option, as half a sentence; undefined for one that none has. */
async function whoHas(flag: string, version: string): Promise<string | undefined> {
  const program = await buildProgram(version);
  const withTunnel = await tunnelCommands();
  const has = (command: Command): boolean =>
    command.options.some(({ short, long }) => short === flag || long === flag);
  const isTunnels = has(program);
  const names = ALL_COMMANDS.filter(
    ({ name, isHidden }) =>
      isHidden !== true && (has(commandNamed(program, name)) || (isTunnels && withTunnel.has(name))),
  ).map(({ name }) => name);
  const all = isTunnels ? ['tshuttle -r BASTION', ...names] : names;
  return all.length === 0 ? undefined : `it is one of ${all.join(', ')}`;
}

function commandNamed(program: Command, name: string): Command {
  return name
    .split(' ')
    .reduce((parent, word) => parent.commands.find((command) => command.name() === word)!, program);
}

/** Of the whole program, which says a line about every command. */
async function programHelp(version: string): Promise<string> {
  let text = '';
  const program = await buildProgram(version);
  program.configureOutput({ writeOut: (piece) => (text += piece) }).outputHelp();
  return text;
}

/**
 * How many words stand before the options of a tunnel, of which `TSHUTTLE_ARGS` has some: its subnets would hide the name of
 * a command.
 *
 * @returns undefined for a command that takes no options of a tunnel
 */
export async function wordsBeforeTunnel(words: readonly string[]): Promise<number | undefined> {
  const first = words.findIndex((word) => !/^(-v+|--verbose)$/.test(word));
  const text = words.slice(Math.max(first, 0)).join(' ');
  const known = ALL_COMMANDS.find(({ name }) => text === name || text.startsWith(`${name} `));
  if (known === undefined) return 0;
  const command = await known.load();
  return command.wordsBeforeTunnel === undefined ? undefined : first + command.wordsBeforeTunnel;
}

/** The names of the commands that take the options of a tunnel beside their own. */
export async function tunnelCommands(): Promise<ReadonlySet<string>> {
  const commands = await Promise.all(ALL_COMMANDS.map((known) => known.load()));
  return new Set(
    commands.flatMap(({ name, wordsBeforeTunnel }) => (wordsBeforeTunnel === undefined ? [] : [name])),
  );
}

/** Options that other programs have as commands. */
const OPTIONS_NOT_COMMANDS: Readonly<Record<string, string>> = { version: '--version' };

/** One word without a bastion is hardly a host: the user looks for a command. */
function invocationOf(raw: RawOptions): Invocation {
  const [word = '', ...others] = raw.subnets;
  const isLost = raw.remote === undefined && others.length === 0 && raw.subnetFiles.length === 0;
  if (!isLost || !/^[a-z]+(?:-[a-z]+)*$/i.test(word)) return { kind: 'tunnel', raw };
  const option = OPTIONS_NOT_COMMANDS[word];
  const what =
    option === undefined
      ? 'is not a command, tshuttle --help lists them; to capture a host of this name, add -r BASTION'
      : `is not a command; write ${option}`;
  return { kind: 'refused', problems: [{ where: word, what }] };
}

/** Commander's message in our words: `error: unknown option '--foo'`, perhaps with a suggestion in a second line. */
function problemOf(error: CommanderError, command: AnyCommand | undefined): Problem {
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const flag = flagIn(message);
  switch (error.code) {
    case 'commander.unknownOption': {
      const foreign = describeForeignOption(flag);
      if (foreign !== undefined) return { where: flag, what: foreign };
      const meant = /mean (?:one of )?(.*)\?/.exec(suggestion ?? '')?.[1];
      return { where: flag, what: `is not an option${meant === undefined ? '' : `; perhaps ${meant}`}` };
    }
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
function flagIn(message: string): string {
  return /'([^'=]*)/.exec(message)?.[1] ?? '';
}

/** `too many arguments for 'cleanup'. Expected 0 arguments but got 1.` */
function excess(message: string): string {
  const expected = /Expected (\d+)/.exec(message)?.[1] ?? '0';
  return expected === '0'
    ? 'takes no arguments'
    : `takes ${expected} argument${expected === '1' ? '' : 's'}, not more`;
}
