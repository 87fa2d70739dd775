import type { Topic } from '../../../src/cli/help/topics/topic.ts';

/** A page of `tshuttle help` as a block of README: its command lines, each behind what the page says of it. */
export function renderMarkdown({ blocks }: Topic): string {
  const lines = blocks.map((block) => {
    if (block.kind === 'paragraph') return `\n# ${block.text.replace(/:$/, '').replaceAll('’', "'")}`;
    if (block.kind === 'commands') return block.lines.join('\n');
    throw new Error(`README has no ${block.kind} of a page`);
  });
  return `\`\`\`sh${lines.join('\n')}\n\`\`\``;
}
