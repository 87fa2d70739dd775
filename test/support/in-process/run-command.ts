import type { CommandSession } from '../../../src/cli/command/command-definition.ts';
import { parseArguments } from '../../../src/cli/program/arguments.ts';
import type { Logger } from '../../../src/core/log.ts';
import { renderProblem } from '../../../src/core/problem.ts';

/** What a command has printed, what it was refused for, and its exit code. */
export interface CommandOutcome {
  readonly code: number;
  readonly printed: string;
  readonly refused: readonly string[];
}

/**
 * Runs a command that opens no tunnel in this process: at a tenth of what a process of its own costs.
 *
 * @throws what the command throws
 */
export async function runInProcess(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<CommandOutcome> {
  const invocation = await parseArguments(words, '1.2.3');
  if (invocation.kind === 'refused')
    return { code: 64, printed: '', refused: invocation.problems.map(renderProblem) };
  if (invocation.kind !== 'command') throw new Error(`${words.join(' ')} is no command`);
  const { session, outcome } = sessionOf(environment);
  return outcome(await invocation.run(session));
}

/** A session of a command in this process, and what has come of it. */
export function sessionOf(
  environment: Readonly<Record<string, string>>,
  logger?: Logger,
): { readonly session: CommandSession; outcome(code: number): CommandOutcome } {
  let printed = '';
  let refused: readonly string[] = [];
  const session = {
    process: { environment, stop: { signal: new AbortController().signal } },
    print: (text: string): void => {
      printed += text;
    },
    refuse: async (code: string, problems: Parameters<CommandSession['refuse']>[1]) => {
      refused = problems.map(renderProblem);
      return code === 'ERR_USAGE' ? 64 : 78;
    },
    prepare: async () => ({ tunnelContext: { logger } }),
  } as unknown as CommandSession;
  return { session, outcome: (code) => ({ code, printed, refused }) };
}
