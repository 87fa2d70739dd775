import { wrap } from '../rendering/wrap.ts';
import type { Block, Topic } from './topics/topic.ts';

/** How wide pages are: a terminal of 80 columns and a margin. */
const COLUMNS = 78;
const INDENT = '    ';

/** A page for the terminal: no colours, no escape codes, so that a pager or a file can have it. */
export function renderTopic(topic: Topic): string {
  const heading = beginsWithSummary(topic) ? topic.name : `${topic.name}: ${topic.summary}`;
  return [...wrap(heading, COLUMNS, INDENT), '', ...topic.blocks.flatMap(renderBlock)].join('\n');
}

/** Nothing is said twice. */
function beginsWithSummary({ summary, blocks: [first] }: Topic): boolean {
  return first?.kind === 'paragraph' && first.text.includes(summary);
}

/** The list of all pages. */
export function renderTopicList(topics: readonly Topic[]): string {
  const width = Math.max(...topics.map(({ name }) => name.length));
  const lines = topics.map(({ name, summary }) => hang(`${name.padEnd(width)}  `, summary));
  return ['tshuttle help TOPIC, one of:', '', ...lines, ''].join('\n');
}

function renderBlock(block: Block): readonly string[] {
  switch (block.kind) {
    case 'paragraph':
      return [...wrap(block.text, COLUMNS), ''];
    case 'commands':
      return [...block.lines.map((line) => `${INDENT}${line}`), ''];
    case 'list':
      return [...block.items.map(([term, text]) => hang(`${term}: `, text, INDENT)), ''];
  }
}

/** The text behind its label, further lines indented. */
function hang(label: string, text: string, indent = ' '.repeat(label.length)): string {
  return wrap(`${label}${text}`, COLUMNS, indent).join('\n');
}
