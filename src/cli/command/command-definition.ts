import type { Command } from 'commander';
import type { Prepared } from '../../app/prepared.ts';
import type { ProcessContext } from '../../app/process-context.ts';
import type { Config } from '../../config/config.ts';
import type { RawOptions } from '../../config/options/table.ts';
import type { ConfigSurroundings } from '../../config/parse-config.ts';
import type { Problem } from '../../core/problem.ts';
import type { Parts } from './parts.ts';
import type { ProblemCode } from './report.ts';

/**
 * A command: how it is written, and what it does. In a file of its own, `commands/NAME-command.ts`, which loads what does
 * the work only when it runs.
 */
interface CommandDefinition<Input> {
  /** The word, or words, that choose it: `cleanup`, `openstack check`. */
  readonly name: string;
  /** For people: what is wrong when an argument is missing. */
  readonly missing?: string;
  /**
   * How many words it begins with, its name and what it is about, before the options of a tunnel, of which `TSHUTTLE_ARGS` may
   * have some. Left out: it takes no options of a tunnel.
   */
  readonly wordsBeforeTunnel?: number;
  /** Describes its arguments and options; the action hands over what was asked, or a {@link Problem}. */
  describe(command: Command, choose: (input: Input) => void, refuse: (problem: Problem) => void): void;
  /**
   * Does it.
   *
   * @returns the exit code
   * @throws TshuttleError as the command documents
   */
  run(input: Input, session: CommandSession): Promise<number>;
}

/** The parsed command line of a command. */
export interface ChosenCommand {
  /** The command's own options. */
  readonly input: unknown;
  /** Does it. @returns the exit code */
  run(session: CommandSession): Promise<number>;
}

/** A command as the command line sees it: {@link defineCommand} makes it. */
export interface AnyCommand
  extends Pick<CommandDefinition<unknown>, 'name' | 'missing' | 'wordsBeforeTunnel'> {
  describe(
    command: Command,
    choose: (chosen: ChosenCommand) => void,
    refuse: (problem: Problem) => void,
  ): void;
}

/** Keeps what a command is asked for to itself. */
export function defineCommand<Input>(definition: CommandDefinition<Input>): AnyCommand {
  return {
    ...definition,
    describe: (command, choose, refuse) =>
      definition.describe(
        command,
        (input) => choose({ input, run: (session) => definition.run(input, session) }),
        refuse,
      ),
  };
}

/** The services of a running command. */
export interface CommandSession {
  readonly process: ProcessContext;
  readonly parts: Parts;
  /** To standard output, as it is. */
  readonly print: (text: string) => void;
  /** Says what is wrong with the input. @returns the exit code */
  readonly refuse: (code: ProblemCode, problems: readonly Problem[]) => Promise<number>;
  /** The program with all its commands, for what describes it. */
  readonly describeProgram: () => Promise<Command>;
  /** The names of the commands that take the options of a tunnel beside their own. */
  readonly tunnelCommands: () => Promise<ReadonlySet<string>>;
  /** Logs, prompts and places as these options want them; what the user should hear about the options is logged at once. */
  readonly prepare: (
    config: Pick<Config, 'logFormat' | 'verbosity'> & Partial<Pick<Config, 'quiet'>>,
    warnings?: readonly Problem[],
  ) => Promise<Prepared>;
  /** Checks what was asked for a tunnel, and says what is wrong. @returns the exit code when something is */
  readonly configOf: (
    raw: RawOptions,
    surroundings?: Pick<ConfigSurroundings, 'mayCaptureNothing'> & {
      /** Leaves `--openstack` to the command: its cloud adds nothing to what is captured. */
      readonly leavesCloud?: true;
    },
  ) => Promise<CheckedConfig | number>;
}

/** A configuration, and what the user should hear about it. */
export interface CheckedConfig {
  readonly config: Config;
  /** The options that it was made of, as they were given: with the bastions of one source alone. */
  readonly raw: RawOptions;
  readonly warnings: readonly Problem[];
  /** Options that were chosen for the user, with the source of each. */
  readonly note?: string | undefined;
}
