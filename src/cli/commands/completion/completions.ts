import type { Argument, Command, Option } from 'commander';
import { BASTION_KINDS } from '../../../bastion/setup.ts';
import { TunnelOption } from '../../command/tunnel-options.ts';

/** The words that fit a place of the command line. */
export interface CompletionValues {
  /** Hosts that ssh knows. */
  readonly hosts: () => readonly string[];
  /** Names of profiles. */
  readonly profiles: () => readonly string[];
  /** Pages of `tshuttle help`. */
  readonly topics: () => readonly string[];
  /** The names of the commands that take the options of a tunnel beside their own. */
  readonly tunnelCommands: ReadonlySet<string>;
}

/** The candidates for the word that is being typed. */
export type Completions =
  /** Paths, which the shell completes by itself: it knows how it quotes them. */
  { readonly kind: 'files' } | { readonly kind: 'words'; readonly candidates: readonly Candidate[] };

/** One word that could stand there. */
interface Candidate {
  readonly word: string;
  /** For people; may be empty. */
  readonly description: string;
}

type Source = 'hosts' | 'profiles' | 'topics' | 'files' | readonly string[];

/** By the name of an option's value or of an argument: what stands there. */
const SOURCES: Readonly<Record<string, Source>> = {
  '[USER@]HOST[:PORT]': 'hosts',
  'HOP[,HOP...]': 'hosts',
  FILE: 'files',
  PATH: 'files',
  NAME: 'profiles',
  'NAME...': 'profiles',
  PROFILE: 'profiles',
  TOPIC: 'topics',
  KIND: BASTION_KINDS,
  SHELL: ['bash', 'zsh', 'fish'],
};

/**
 * Only words that mean the same to every shell, quoted or not, are offered: a profile may be named `$(reboot)`, and what is
 * offered ends up on a command line.
 */
const PLAIN_WORD = /^[\w./:@%+=,-]+$/;

const NOTHING: Completions = { kind: 'words', candidates: [] };

/** What may stand in place of the last of the words, which is being typed and may be empty; the program's name is none of them. */
export function completionsFor(
  program: Command,
  words: readonly string[],
  values: CompletionValues,
): Completions {
  const typed = words.at(-1) ?? '';
  const place = placeBehind(program, words.slice(0, -1), values);
  switch (place.kind) {
    case 'value':
      return fromSource(sourceOf(place.option), typed, '', values);
    case 'other command':
      return { kind: 'files' };
    case 'word': {
      if (typed.startsWith('-')) return optionsLike(typed, place.options, values);
      const argument = place.isBehindDashes ? undefined : argumentAt(place.command, place.argumentCount);
      const source = argument?.argChoices ?? SOURCES[argument?.name() ?? ''];
      const offered = fromSource(source, typed, '', values);
      if (offered.kind === 'files' || place.argumentCount > 0) return offered;
      const help = place.command.createHelp();
      const commands = help.visibleCommands(place.command).map((command) => ({
        word: command.name(),
        description: command.summary(),
      }));
      return like(typed, [...commands, ...offered.candidates]);
    }
  }
}

type Place =
  | { readonly kind: 'value'; readonly option: Option }
  /** Behind the `--` of `run`: the words of the command to run. */
  | { readonly kind: 'other command' }
  | {
      readonly kind: 'word';
      readonly command: Command;
      readonly options: readonly Option[];
      readonly argumentCount: number;
      readonly isBehindDashes: boolean;
    };

/** Where the word stands that comes behind these. */
function placeBehind(program: Command, words: readonly string[], values: CompletionValues): Place {
  let command = program;
  let options = optionsOf(program, program, values);
  let argumentCount = 0;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index]!;
    if (word === '--') {
      if (command.name() === 'run') return { kind: 'other command' };
      return { kind: 'word', command, options: [], argumentCount, isBehindDashes: true };
    }
    if (word.startsWith('-')) {
      const option = options.find(({ long, short }) => word === long || word === short);
      if (option === undefined || !(option.required || option.optional)) continue;
      if (index + 1 === words.length && option.required) return { kind: 'value', option };
      if (option.required || words[index + 1]?.startsWith('-') === false) index += 1;
      continue;
    }
    const named = argumentCount === 0 ? command.commands.find((other) => other.name() === word) : undefined;
    if (named === undefined) argumentCount += 1;
    else {
      command = named;
      options = optionsOf(program, named, values);
    }
  }
  return { kind: 'word', command, options, argumentCount, isBehindDashes: false };
}

/** Its own, and those of a tunnel where it takes them. */
function optionsOf(program: Command, command: Command, values: CompletionValues): readonly Option[] {
  const of = (owner: Command): readonly Option[] => owner.createHelp().visibleOptions(owner);
  return values.tunnelCommands.has(nameOf(command)) ? [...of(command), ...of(program)] : of(command);
}

/** `openstack check` is the command `check` of `openstack`. */
function nameOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${nameOf(parent)} ${command.name()}`;
}

function argumentAt(command: Command, index: number): Argument | undefined {
  const last = command.registeredArguments.at(-1);
  return command.registeredArguments[index] ?? (last?.variadic === true ? last : undefined);
}

/** Options, or the value of one that is written with `=`. */
function optionsLike(typed: string, options: readonly Option[], values: CompletionValues): Completions {
  const equals = typed.indexOf('=');
  if (equals > 0) {
    const option = options.find(({ long }) => long === typed.slice(0, equals));
    const source = option === undefined ? undefined : sourceOf(option);
    return fromSource(source, typed.slice(equals + 1), typed.slice(0, equals + 1), values);
  }
  const candidates = options.flatMap(({ long, description }) =>
    long === undefined || long === null ? [] : [{ word: long, description }],
  );
  return like(
    typed,
    candidates.filter(({ word }, index) => candidates.findIndex((other) => other.word === word) === index),
  );
}

/** The words that the table of options has for it, else what is called so: `FILE` of `-i, --identity <FILE>`. */
function sourceOf(option: Option): Source | undefined {
  if (option instanceof TunnelOption && option.words.length > 0) return option.words;
  return SOURCES[/[<[](.*)[>\]]$/.exec(option.flags)?.[1] ?? ''];
}

/** @param before what stands before the typed part in the same word */
function fromSource(
  source: Source | undefined,
  typed: string,
  before: string,
  values: CompletionValues,
): Completions {
  if (source === undefined) return NOTHING;
  if (source === 'files') return { kind: 'files' };
  // `me@gate,me@bast`: the last host is being typed.
  const isHost = source === 'hosts';
  const lead = isHost ? typed.slice(0, Math.max(typed.lastIndexOf('@'), typed.lastIndexOf(',')) + 1) : '';
  const words = typeof source === 'string' ? values[source]() : source;
  return like(
    before + typed,
    words.map((word) => ({ word: `${before}${lead}${word}`, description: '' })),
  );
}

function like(typed: string, candidates: readonly Candidate[]): Completions & { readonly kind: 'words' } {
  return {
    kind: 'words',
    candidates: candidates.filter(({ word }) => word.startsWith(typed) && PLAIN_WORD.test(word)),
  };
}
