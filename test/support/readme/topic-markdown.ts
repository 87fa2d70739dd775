import type { Block, Topic } from '../../../src/cli/manual/topic.ts';
import { wrap } from '../../../src/cli/manual/wrap.ts';

const COLUMNS = 124;

/** Options, paths, variables and commands, which README has as code. */
const CODE =
  /(?<=^|[\s(])(?:tshuttle help [a-z]+|tshuttle sudoers|--?[A-Za-z][\w-]*(?: [A-Z]+(?::[A-Z]+)?)?|~?\/[\w./-]*\w|@[A-Z]+|[A-Z]+_ARGS|[\w-]+\.pem)(?=$|[\s,.;:)])/g;

/** A page of `tshuttle help` as a part of README: the same text, and its command lines as blocks. */
export function renderMarkdown({ blocks }: Topic): string {
  return blocks.map((block) => `${renderBlock(block)}\n`).join('\n');
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
      return wrap(inline(block.text), COLUMNS).join('\n');
    case 'commands':
      return ['```sh', ...block.lines, '```'].join('\n');
    case 'list':
      return block.items
        .map(([term, text]) => wrap(`- **${inline(term)}**: ${inline(text)}`, COLUMNS, '  ').join('\n'))
        .join('\n');
  }
}

function inline(text: string): string {
  return text.replace(CODE, '`$&`').replaceAll('’', "'");
}
