import { readFileSync } from 'node:fs';

/** A fenced block of the README. */
export interface ReadmeBlock {
  /** After the opening fence: `sh`, `yaml`, or nothing. */
  readonly language: string;
  readonly text: string;
  /** Why no test executes it: of the HTML comment `not executed: REASON` in the line before it. */
  readonly notExecuted: string | undefined;
}

const BLOCK = /(?:<!-- not executed: (.+?) -->\n+)?```(\w*)\n([\s\S]*?)```/g;

/** The README's fenced blocks, in its order. */
export function readmeBlocks(): readonly ReadmeBlock[] {
  const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  return [...text.matchAll(BLOCK)].map(([, notExecuted, language = '', block = '']) => ({
    language,
    text: block,
    notExecuted,
  }));
}

/** The commands of a shell block, without their comments and alignment. */
export function commandsOf({ text }: ReadmeBlock): readonly string[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/\s+#.*$/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '');
}
