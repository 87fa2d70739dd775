import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { examplesOn } from '../../../src/cli/command/help-examples.ts';
import { topicsOn } from '../../../src/cli/help/topics.ts';
import { parseArguments } from '../../../src/cli/program/arguments.ts';
import { collectArgumentWords } from '../../../src/config/parse/argument-words.ts';
import { splitShellWords } from '../../../src/config/parse/shell-words.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { renderProblem } from '../../../src/core/problem.ts';
import { systemWords } from '../../../src/core/systems/system-words.ts';
import { renderMarkdown } from '../../support/readme/topic-markdown.ts';

const FILE = new URL('../../../README.md', import.meta.url);
const README = readFileSync(FILE, 'utf8');

/** Lines of its shell blocks, and what stands as code in its prose. */
function commandLines(text: string): readonly string[] {
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.split('\n'));
  const inline = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`(tshuttle [^`]*)`/g)].map(
    ([, code = '']) => code,
  );
  return [...new Set([...blocks, ...inline].map((line) => line.replace(/\s+/g, ' ').trim()))].filter((line) =>
    line.startsWith('tshuttle '),
  );
}

/** What tshuttle has against a command line; nothing when it takes it. */
async function complaint(line: string): Promise<string | undefined> {
  // What a shell does with the rest of the line is not ours.
  const split = splitShellWords(line.replace(/ (\||>) .*$/, ''));
  if (split.kind === 'invalid') return split.what;
  const { words } = collectArgumentWords(
    { environment: undefined, arguments: split.words.slice(1), leading: 0 },
    () => ({ kind: 'text', text: '-r bastion 10.0.0.0/8\n' }),
  );
  const invocation = await parseArguments(words, '1.2.3');
  if (invocation.kind === 'refused') return invocation.problems.map(renderProblem).join('\n');
  if (invocation.kind !== 'tunnel') return undefined;
  const parsed = parseConfig(invocation.raw, {
    readTextFile: () => ({ kind: 'text', text: '10.0.0.0/8\n' }),
    whyUnreadable: () => undefined,
    homeDirectory: '/home/me',
    workingDirectory: '/home/me',
  });
  return parsed.kind === 'problems' ? parsed.problems.map(renderProblem).join('; ') : undefined;
}

describe('command lines that are shown to people are ones that tshuttle takes', () => {
  test.each(commandLines(README))('README: %s', async (line) => {
    expect(await complaint(line)).toBeUndefined();
  });

  const inTopics = topicsOn('linux').flatMap(({ blocks }) =>
    blocks.flatMap((block) => (block.kind === 'commands' ? block.lines : [])),
  );
  test.each(inTopics.filter((line) => line.startsWith('tshuttle ')))('help: %s', async (line) => {
    expect(await complaint(line)).toBeUndefined();
  });

  const examples = examplesOn(systemWords('linux'))
    .split('\n')
    .map((line) => line.trim().split(/ {3,}/, 1)[0]!);
  test.each(examples.filter((line) => line.startsWith('tshuttle ')))('--help: %s', async (line) => {
    expect(await complaint(line)).toBeUndefined();
  });

  test('there are some', async () => {
    expect(commandLines(README).length).toBeGreaterThan(15);
    expect(await complaint('tshuttle --no-such-option')).toMatch(/is not an option/);
    expect(await complaint('tshuttle -r bastion 10.0.0.0/33')).toBeDefined();
  });
});

/** Of `npm run readme`, which copies the pages of `tshuttle help` into README anew. */
const isWriting = process.env['TSHUTTLE_README'] === 'write';

describe('pages of tshuttle help in README are what tshuttle help has', () => {
  test.each(['recipes'])('%s', (name) => {
    const page = renderMarkdown(topicsOn('linux').find((topic) => topic.name === name)!);
    const begin = `<!-- as in tshuttle help ${name}: npm run readme -->\n`;
    const end = `<!-- so far tshuttle help ${name} -->\n`;
    const text = readFileSync(FILE, 'utf8');
    const [before, rest] = text.split(begin);
    const [found, after] = (rest ?? '').split(end);
    expect(after, `${begin}...${end} in README`).toBeDefined();
    if (isWriting) writeFileSync(FILE, `${before}${begin}\n${page}\n${end}${after}`);
    else expect(found?.trim(), 'npm run readme').toBe(page.trim());
  });
});

test('README and the help of run say that secrets are in the environment of its command', async () => {
  const help = await parseArguments(['run', '--help'], '1.2.3');
  const texts = [README, help.kind === 'text' ? help.text : ''].map((text) => text.replaceAll(/\s+/g, ' '));
  for (const text of texts) {
    expect(text).toMatch(
      /whole environment, such as `?OS_PASSWORD`?.*password.*root and your other programs can read/,
    );
  }
});
