import { Command, Option } from 'commander';
import {
  HELP_SECTIONS,
  NOTHING_GIVEN,
  OPTION_KEYS,
  OPTIONS,
  type OptionKey,
  type RawOptions,
  rowOf,
} from '../../config/options/table.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import { examplesOn } from './help-examples.ts';
import { TEXTS } from './help-text.ts';
import { repeatable } from './repeatable.ts';

/** An option of a tunnel, which commander keeps by the key of its row. */
export class TunnelOption extends Option {
  readonly #key: OptionKey;

  constructor(key: OptionKey) {
    const row = rowOf(key);
    super(row.flags, row.help);
    this.#key = key;
    if (row.kind === 'flag') this.preset(!row.otherwise);
    if (row.kind === 'count') this.default(0).argParser((_value, count: number) => count + 1);
    if (row.kind === 'list' || row.kind === 'several') this.argParser(repeatable);
  }

  override attributeName(): string {
    return this.#key;
  }

  /** The words that may be its value; none where it is any text. */
  get words(): readonly string[] {
    const row = rowOf(this.#key);
    return row.kind === 'choice' ? row.choices : [];
  }
}

/** The program with the options of a tunnel, which its commands take too, wherever they stand. */
export function describeProgram(version: string): Command {
  const program = new Command('tshuttle')
    .description(TEXTS.description)
    .usage('-r [USER@]HOST[:PORT] [options] SUBNET...')
    .argument('[SUBNET...]', OPTIONS.subnets.help)
    .helpCommand(false);
  for (const [heading, keys] of HELP_SECTIONS) {
    program.optionsGroup(heading);
    for (const key of keys) program.addOption(new TunnelOption(key));
  }
  return program
    .version(`tshuttle ${version}`, '-V, --version', TEXTS.version)
    .helpOption('-h, --help', TEXTS.programHelp)
    .addHelpText('after', examplesOn(systemWords()));
}

/** The tunnel options of a command line, as text; a command takes its options wherever they stand. */
export function rawOptions(subnets: readonly string[], command: Command): RawOptions {
  const given = command.optsWithGlobals<Partial<RawOptions>>();
  const entries = OPTION_KEYS.flatMap((key): ReadonlyArray<readonly [OptionKey, unknown]> => {
    return given[key] === undefined ? [] : [[key, given[key]]];
  });
  return { ...NOTHING_GIVEN, ...Object.fromEntries(entries), subnets };
}
