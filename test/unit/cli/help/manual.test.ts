import { describe, expect, test } from 'vitest';
import { errorTopics, remedyOf } from '../../../../src/cli/help/error-pages.ts';
import { renderManPage } from '../../../../src/cli/help/render-man.ts';
import { renderTopic, renderTopicList } from '../../../../src/cli/help/render-text.ts';
import { commands, list, paragraph } from '../../../../src/cli/help/topics/topic.ts';
import { topicsOn } from '../../../../src/cli/help/topics.ts';
import { buildProgram } from '../../../../src/cli/program/program.ts';

const ALL = [...topicsOn(), ...errorTopics()];

async function manPage(topics = ALL): Promise<string> {
  const exitCodes = [[64, 'wrong usage']] as const;
  return renderManPage(await buildProgram('1.2.3'), {
    version: '1.2.3',
    date: '2026-01-02',
    platform: process.platform,
    topics,
    exitCodes,
  });
}

/** What a reader sees of it, near enough to look for words. */
function withoutRoff(text: string): string {
  return text
    .replace(/\n\.Pp\n/g, '\n')
    .replace(/\\&/g, '')
    .replace(/\\-/g, '-')
    .replace(/\\e/g, '\\')
    .replace(/\\\(ga/g, '`')
    .replace(/\\\(cq/g, '’')
    .replace(/\s+/g, ' ');
}

describe('the manual', () => {
  test('has no line that ends with a blank, which mandoc -T lint complains of', async () => {
    expect((await manPage()).split('\n').filter((line) => /\s$/.test(line))).toEqual([]);
  });

  test('has every option and every command of --help, with the same words', async () => {
    const page = withoutRoff(await manPage());
    const program = await buildProgram('1.2.3');
    const visible = [program, ...program.createHelp().visibleCommands(program)];
    expect(visible.length).toBeGreaterThan(3);
    for (const command of visible) {
      expect(page).toContain(command.description().replace(/\s+/g, ' '));
      for (const option of command.createHelp().visibleOptions(command)) {
        expect(page, option.flags).toContain(`Fl ${option.long?.slice(1)}`);
        expect(page, option.flags).toContain(option.description.replace(/\s+/g, ' '));
      }
    }
    expect(page).not.toContain('complete -- ');
  });

  test('keeps roff from reading what is meant for people', async () => {
    const topic = {
      name: 'odd',
      summary: 'x',
      blocks: [
        paragraph('.Sh no request, a\\path, Ar no macro. It is so.'),
        commands('.x -y \\'),
        list(['No', 'Os']),
      ],
    };
    const page = await manPage([topic]);
    expect(page).toContain('.Sh ODD\n\\&.Sh no request, a\\epath, \\&Ar no macro.\n\\&It is so.\n');
    expect(page).toContain('.Bd -literal -offset indent\n\\&.x \\-y \\e\n.Ed');
    expect(page).toContain('.It \\&No\n\\&Os\n');
  });
});

describe('pages of help', () => {
  test('fit a terminal of 80 columns, but for command lines', () => {
    const prose = ALL.map(({ blocks, ...topic }) => ({
      ...topic,
      blocks: blocks.filter(({ kind }) => kind !== 'commands'),
    }));
    for (const line of [...prose.map(renderTopic), renderTopicList(ALL)].flatMap((text) =>
      text.split('\n').slice(1),
    )) {
      expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });

  test('a page reads from top to bottom', () => {
    const topic = {
      name: 'names',
      summary: 'of things',
      blocks: [paragraph('One.'), commands('a -b', 'c'), list(['term', 'what it is'])],
    };
    expect(renderTopic(topic)).toBe('names: of things\n\nOne.\n\n    a -b\n    c\n\nterm: what it is\n');
  });

  test('says its first sentence once', () => {
    const twice = ALL.filter(
      (topic) => renderTopic(topic).replace(/\s+/g, ' ').split(topic.summary).length > 2,
    );
    expect(twice.map(({ name }) => name)).toEqual([]);
    const page = renderTopic(ALL.find(({ name }) => name === 'ERR_USAGE')!);
    expect(page).toMatch(/^ERR_USAGE\n\nExit code 64\. The command line cannot be understood/);
  });

  test('a code has one line of remedy', () => {
    expect(remedyOf('ERR_BASTION_AUTH')).not.toContain('\n');
    expect(errorTopics().find(({ name }) => name === 'ERR_USAGE')?.blocks[0]).toEqual(
      paragraph(
        'Exit code 64. The command line cannot be understood, or asks for what does not go together.',
      ),
    );
  });
});
