import { ALL_COMMANDS } from './all-commands.ts';

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
  const first = words.findIndex((word) => !/^(-v+|--verbose)$/.test(word));
  const text = words.slice(Math.max(first, 0)).join(' ');
  const known = ALL_COMMANDS.find(({ name }) => text === name || text.startsWith(`${name} `));
  if (known === undefined) return 0;
  const command = await known.load();
  return command.wordsBeforeTunnel === undefined ? undefined : first + command.wordsBeforeTunnel;
}
