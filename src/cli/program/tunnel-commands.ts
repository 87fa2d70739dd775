import { ALL_COMMANDS, type KnownCommand } from './all-commands.ts';

/** The names of the commands that take the options of a tunnel beside their own. */
export async function tunnelCommands(): Promise<ReadonlySet<string>> {
  const commands = await Promise.all(ALL_COMMANDS.map((known) => known.load()));
  return new Set(
    commands.flatMap(({ name, wordsBeforeTunnel }) => (wordsBeforeTunnel === undefined ? [] : [name])),
  );
}

/**
 * How many words stand before the options of a tunnel, of which `TSHUTTLE_ARGS` has some: its subnets would hide the name of
 * a command.
 *
 * @returns undefined for a command that takes no options of a tunnel
 */
export async function wordsBeforeTunnel(words: readonly string[]): Promise<number | undefined> {
  const { known, first } = commandIn(words);
  if (known === undefined) return 0;
  const command = await known.load();
  return command.wordsBeforeTunnel === undefined ? undefined : first + command.wordsBeforeTunnel;
}

/** The command that words begin with, as people write them: at most `-v` stands before it. */
export function commandIn(words: readonly string[]): {
  readonly known: KnownCommand | undefined;
  /** Where its name begins. */
  readonly first: number;
} {
  const first = Math.max(
    words.findIndex((word) => !/^(-v+|--verbose)$/.test(word)),
    0,
  );
  const text = words.slice(first).join(' ');
  return { known: ALL_COMMANDS.find(({ name }) => text === name || text.startsWith(`${name} `)), first };
}
