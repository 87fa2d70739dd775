import { Command, Option } from 'commander';
import type { OptionRow } from '../config/options/row.ts';
import {
  HELP_SECTIONS,
  NOTHING_GIVEN,
  OPTION_KEYS,
  OPTIONS,
  type OptionKey,
  type RawOptions,
} from '../config/options/table.ts';
import { EXAMPLES, TEXTS } from './help-text.ts';

/** An option of a tunnel, which commander keeps by the key of its row. */
class TunnelOption extends Option {
  readonly #key: string;

  constructor(key: string, row: OptionRow) {
    super(flagsOf(row), row.help);
    this.#key = key;
    if (row.kind === 'flag') this.preset(!row.otherwise);
    if (row.kind === 'count') this.default(0).argParser((_value, count: number) => count + 1);
    if (row.kind === 'list') this.argParser((value, values: readonly string[] = []) => [...values, value]);
  }

  override attributeName(): string {
    return this.#key;
  }
}

function flagsOf(row: OptionRow): string {
  if (!('value' in row)) return row.flags;
  return row.kind === 'optional' ? `${row.flags} [${row.value}]` : `${row.flags} <${row.value}>`;
}

/** The program with the options of a tunnel, which its commands take too, wherever they stand. */
export function describeProgram(version: string): Command {
  const program = new Command('tshuttle')
    .description(TEXTS.description)
    .usage('-r [USER@]HOST[:PORT] [options] SUBNET...')
    .argument('[SUBNET...]', OPTIONS.subnets.help)
    .helpCommand(false);
  for (const [heading, rows] of Object.entries(HELP_SECTIONS)) {
    program.optionsGroup(heading);
    for (const [key, row] of Object.entries(rows)) program.addOption(new TunnelOption(key, row));
  }
  return program
    .version(`tshuttle ${version}`, '-V, --version', TEXTS.version)
    .helpOption('-h, --help', TEXTS.help)
    .addHelpText('after', EXAMPLES);
}

/** What was asked for a tunnel, as text; a command takes its options wherever they stand. */
export function rawOptions(subnets: readonly string[], command: Command): RawOptions {
  const given = command.optsWithGlobals<Partial<RawOptions>>();
  const entries = OPTION_KEYS.flatMap((key): ReadonlyArray<readonly [OptionKey, unknown]> => {
    return given[key] === undefined ? [] : [[key, given[key]]];
  });
  return { ...NOTHING_GIVEN, ...Object.fromEntries(entries), subnets };
}
