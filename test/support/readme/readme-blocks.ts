import { readFileSync } from 'node:fs';
import { marked } from 'marked';
import { topicsOn } from '../../../src/cli/help/topics.ts';

/** A block of code in the README. */
export interface ReadmeBlock {
  /** What stands behind the opening fence: `sh`, `yaml`, or nothing. */
  readonly language: string;
  readonly text: string;
  /** Why no test executes it: of the HTML comment `not executed: REASON` in the line before it. */
  readonly notExecuted: string | undefined;
}

const README = new URL('../../../README.md', import.meta.url);
const NOT_EXECUTED = /<!-- not executed: (.+?) -->\s*$/;

/** The README's blocks of code, fenced or indented, wherever they stand, in its order. */
export function readmeBlocks(): readonly ReadmeBlock[] {
  const blocks: ReadmeBlock[] = [];
  let before = '';
  void marked.walkTokens(marked.lexer(readFileSync(README, 'utf8')), (token) => {
    if (token.type === 'code') {
      const notExecuted = NOT_EXECUTED.exec(before)?.[1];
      blocks.push({
        language: (token['lang'] as string | undefined) ?? '',
        text: token['text'] as string,
        notExecuted,
      });
    }
    if (token.type !== 'space') before = token.raw;
  });
  return blocks;
}

/** The commands of a shell block, without their comments and alignment. */
function commandsOf({ text }: ReadmeBlock): readonly string[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/(^|\s+)#.*$/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '');
}

/** All commands of its shell blocks that are to be executed, each once. */
export function readmeCommands(): readonly string[] {
  const executed = readmeBlocks().filter(
    ({ language, notExecuted }) => language === 'sh' && notExecuted === undefined,
  );
  return [...new Set(executed.flatMap(commandsOf))];
}

/** The command lines of README and of the pages of `tshuttle help`, each once. */
export function documentedCommands(): readonly string[] {
  const inHelp = topicsOn('linux').flatMap(({ blocks }) =>
    blocks.flatMap((block) => (block.kind === 'commands' ? block.lines : [])),
  );
  return [...new Set([...readmeCommands(), ...inHelp])];
}

/**
 * A command that a test executes because README or a page of help has it. It stands in the test as a literal: that is how
 * README's own test finds out that somebody executes it.
 *
 * @throws Error when neither has such a command.
 */
export function readmeCommand(command: string): string {
  if (!documentedCommands().includes(command)) throw new Error(`neither README nor help has: ${command}`);
  return command;
}
