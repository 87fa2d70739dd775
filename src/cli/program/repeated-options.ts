import type { Command, Option } from 'commander';
import type { RawOptions } from '../../config/options/table.ts';
import { withoutPassword } from '../../config/parse/remote.ts';
import type { Problem } from '../../core/problem.ts';
import { describeProgram } from '../command/tunnel-options.ts';

/**
 * The options of a tunnel that one source gives twice with different values, of which only the last would count.
 *
 * @param sources the words of the command line, of `TSHUTTLE_ARGS` and of each file: one may set what another has set before
 */
export function repeatedOptions(sources: readonly (readonly string[])[]): readonly Problem[] {
  return sources.flatMap((words) => {
    // Commander's own reader tells values from options; what it does not know is for the real one to refuse.
    const program = describeProgram('')
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    const repeated = watchRepeats(program);
    try {
      program.parseOptions([...words]);
    } catch {
      // An option without its value.
    }
    return repeated();
  });
}

/**
 * The bastions of one source: where several name some, the last value of all says which source counts.
 *
 * @param all the values of all sources, as one command line has them
 */
export function bastionsOfOneSource(
  sources: readonly (readonly string[])[],
  all: readonly string[],
): readonly string[] {
  const bySource = sources.map((words) => {
    const program = describeProgram('')
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    try {
      program.parseOptions([...words]);
    } catch {
      // An option without its value.
    }
    return program.opts<Partial<RawOptions>>().remote ?? [];
  });
  return bySource.find((values) => values.length > 0 && values.at(-1) === all.at(-1)) ?? all;
}

/** Watches a command whose words will be read. @returns what was given twice, once they are */
export function watchRepeats(command: Command): () => readonly Problem[] {
  const given = new Map<Option, Set<string>>();
  for (const option of command.options.filter(hasOneValue)) {
    command.on(`option:${option.name()}`, (value: string | null) => {
      given.set(option, (given.get(option) ?? new Set()).add(value ?? ''));
    });
  }
  return () =>
    [...given].flatMap(([option, values]): Problem[] => {
      if (values.size < 2) return [];
      const { short, long } = option;
      const all = [...values].map((value) => (value === '' ? 'without a value' : masked(value)));
      return [
        {
          where: short ?? long ?? '',
          what: `is given ${all.length === 2 ? 'twice' : `${all.length} times`}: ${all.join(', ')}; only one can count`,
        },
      ];
    });
}

/** Those that collect their values, or count, have a parser. */
function hasOneValue({ required, optional, parseArg }: Option): boolean {
  return (required || optional) && parseArg === undefined;
}

/** As it may be shown. */
function masked(value: string): string {
  const [login, name] = /^([a-z\d]+:\/\/[^@:/]+):.*@/i.exec(value) ?? [];
  if (login !== undefined) return `${name}:***@${value.slice(login.length)}`;
  return withoutPassword(value, 'with its host');
}
