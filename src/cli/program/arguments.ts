import { type Command, CommanderError } from 'commander';
import type { RawOptions } from '../../config/options/table.ts';
import type { Problem } from '../../core/problem.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import type { AnyCommand, ChosenCommand } from '../command/command-definition.ts';
import { rawOptions } from '../command/tunnel-options.ts';
import type { KnownWords } from '../suggestions/meant-command.ts';
import { ALL_COMMANDS } from './all-commands.ts';
import { buildProgram, commandNamed, programToParse } from './program.ts';

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
  /** `word`, and what follows, was meant for something else. */
  | { readonly kind: 'meant'; readonly word: string; readonly problem: Problem }
  | { readonly kind: 'unknown-option'; readonly flag: string; readonly command: AnyCommand | undefined };

/** Looks up what words may mean, where they mean nothing as they are. */
export type LookUpNames = () => Promise<Pick<KnownWords, 'profiles' | 'topics'>>;

/** So many options that there are not are named at once. */
const MAX_UNKNOWN_OPTIONS = 20;

const NO_NAMES: LookUpNames = () => Promise.resolve({ profiles: [], topics: [] });

/** Tells options from subnets and commands; nothing is checked yet but that every option exists and has its value. */
export async function parseArguments(
  words: readonly string[],
  version: string,
  lookUpNames = NO_NAMES,
): Promise<Invocation> {
  const problems: Problem[] = [];
  let rest = await withTwoDashes(words, version, problems);
  for (;;) {
    const parsed = await parseWords(rest, version, lookUpNames);
    if (parsed.kind === 'meant') {
      // Behind a word that the line begins with options are those of what was meant, and no faults of their own.
      const isAlone = problems.length === 0 || words[0] === parsed.word;
      return { kind: 'refused', problems: isAlone ? [parsed.problem] : problems };
    }
    if (parsed.kind !== 'unknown-option') {
      // What else is wrong may come of a value that stood after one of them.
      return problems.length === 0 ? parsed : { kind: 'refused', problems };
    }
    const { flag, command } = parsed;
    const { describeUnknownOption } = await import('./refusals.ts');
    problems.push(await describeUnknownOption({ flag, words: rest, command, version }));
    const place = rest.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
    if (place === -1 || problems.length === MAX_UNKNOWN_OPTIONS) return { kind: 'refused', problems };
    rest = rest.toSpliced(place, 1);
  }
}

/** Takes out `-version`, `-help` and other long options with one dash, which would be read as bundles of short ones. */
async function withTwoDashes(
  words: readonly string[],
  version: string,
  problems: Problem[],
): Promise<readonly string[]> {
  const end = words.indexOf('--');
  const read = end < 0 ? words : words.slice(0, end);
  const odd = read.filter((word) => /^-[a-z][a-z\d-]{2,}(?:=|$)/.test(word));
  if (odd.length === 0) return words;
  const options = (await buildProgram(version)).options.flatMap(({ long }) => long ?? []);
  const found = odd.filter((word) => ['--help', ...options].includes(`-${word.split('=', 1)[0]!}`));
  for (const word of found) {
    const [name = ''] = word.split('=', 1);
    problems.push({ where: name, what: `is not an option; with two dashes it is -${name}` });
  }
  return words.filter((word) => !found.includes(word));
}

async function parseWords(
  words: readonly string[],
  version: string,
  lookUpNames: LookUpNames,
): Promise<Parsed> {
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
    invocation = { kind: 'tunnel', raw: rawOptions(subnets, program) };
  });
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed' && !isAboutCommand) {
      return { kind: 'text', text: await programHelp(words, version) };
    }
    if (error.exitCode === 0) return { kind: 'text', text: output };
    const { flagIn, problemOf } = await import('./refusals.ts');
    if (error.code === 'commander.unknownOption')
      return { kind: 'unknown-option', flag: flagIn(error.message), command: failed };
    return { kind: 'refused', problems: [problemOf(error, failed)] };
  }
  if (invocation === undefined) throw new Error('commander ran no action');
  if (invocation.kind === 'tunnel') return await asTunnel(invocation.raw, lookUpNames);
  if (invocation.kind !== 'command') return invocation;
  const strange = await strangeOptions(program, invocation.name, version);
  return strange.length === 0 ? invocation : { kind: 'refused', problems: strange };
}

/** A tunnel, unless no bastion is named and the first word was meant for something else. */
async function asTunnel(raw: RawOptions, lookUpNames: LookUpNames): Promise<Parsed> {
  const [first = '', ...others] = raw.subnets;
  if (raw.remote !== undefined || raw.subnetFiles.length > 0 || first === '') return { kind: 'tunnel', raw };
  const { commandNames } = await import('./refusals.ts');
  const { meantByWords } = await import('../suggestions/meant-command.ts');
  const problem = meantByWords(raw.subnets, { commands: commandNames(), ...(await lookUpNames()) });
  if (problem !== undefined) return { kind: 'meant', word: first, problem };
  // One word without a bastion is hardly a host: the user looks for a command.
  if (others.length > 0 || !/^[a-z]+(?:-[a-z]+)*$/i.test(first)) return { kind: 'tunnel', raw };
  const what = 'is not a command, tshuttle -h lists them; to capture a host of this name, add -r BASTION';
  return { kind: 'refused', problems: [{ where: first, what }] };
}

/** The options of a tunnel that were given to a command that has them not: commander takes them wherever they stand. */
async function strangeOptions(program: Command, name: string, version: string): Promise<Problem[]> {
  const known = ALL_COMMANDS.find((command) => command.name === name);
  if (known === undefined) return [];
  if ((await known.load()).wordsBeforeTunnel !== undefined) {
    // Only what starts a tunnel that stays knows that its options worked.
    const isSaving = program.getOptionValueSource('saveAs') === 'cli';
    return isSaving
      ? [{ where: '--save', what: `is not an option of ${name}; it is one of tshuttle -r BASTION` }]
      : [];
  }
  const own = commandNamed(program, name).options.map(({ long }) => long);
  const given = program.options.filter(
    (option) => !own.includes(option.long) && program.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (given.length === 0) return [];
  const { whoHas } = await import('./refusals.ts');
  return await Promise.all(
    given.map(async ({ short, long }) => {
      const flag = short ?? long ?? '';
      return { where: flag, what: `is not an option of ${name}; ${await whoHas(flag, version)}` };
    }),
  );
}

/** Of the whole program: one screen for -h; with --help every option, and a line about every command. */
async function programHelp(words: readonly string[], version: string): Promise<string> {
  if (!words.includes('--help')) return (await import('../help/short-help.ts')).shortHelp(systemWords());
  let text = '';
  const program = await buildProgram(version);
  program.configureOutput({ writeOut: (piece) => (text += piece) }).outputHelp();
  return text;
}
