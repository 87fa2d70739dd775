import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { shortHelp } from '../../../../src/cli/help/short-help.ts';
import { topicsOn } from '../../../../src/cli/help/topics.ts';
import { parseArguments } from '../../../../src/cli/program/arguments.ts';
import { buildProgram } from '../../../../src/cli/program/program.ts';
import { systemWords } from '../../../../src/core/systems/system-words.ts';

const SYSTEMS = ['linux', 'darwin', 'freebsd', 'openbsd', 'win32'] as const;

function allOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allOf)];
}

test.each(SYSTEMS)('-h fits one screen of 40 lines and 80 columns on %s', (platform) => {
  const lines = shortHelp(systemWords(platform)).trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(40);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

test.each(SYSTEMS)('-h names only options, commands and topics that there are, on %s', async (platform) => {
  const commands = allOf(await buildProgram('1.2.3'));
  const options = commands.flatMap((command) => command.options.flatMap(({ short, long }) => [short, long]));
  const text = shortHelp(systemWords(platform));
  const flags = [...text.matchAll(/(?<![\w-])(--?[a-z][a-z-]*)/gi)].map(([, flag]) => flag);
  expect(flags.length).toBeGreaterThan(15);
  expect(flags.filter((flag) => flag !== '--help' && flag !== '-vv' && !options.includes(flag))).toEqual([]);
  const words = /^Commands:\n([\s\S]*?)\n\n/m
    .exec(text)![1]!
    .split('\n')
    .flatMap((line) =>
      line
        .slice(2, 36)
        .split(/,? +/)
        .filter((word) => /^[a-z]+$/.test(word)),
    );
  expect(words).toContain('reload');
  const names = commands.map((command) => command.name());
  expect(words.filter((word) => !names.includes(word))).toEqual([]);
  const topics = /help \[TOPIC\] +(.*)/.exec(text)![1]!.split(', ');
  expect(topics.filter((topic) => !topicsOn(platform).some(({ name }) => name === topic))).toEqual([]);
});

test('-h is that screen, and --help everything', async () => {
  const textOf = async (...words: readonly string[]) => {
    const invocation = await parseArguments(words, '1.2.3');
    return invocation.kind === 'text' ? invocation.text : invocation.kind;
  };
  const screen = shortHelp(systemWords());
  expect(await textOf('-h')).toBe(screen);
  expect(await textOf('-vh')).toBe(screen);
  expect(await textOf('-r', 'h', '-h', '10.0.0.0/8')).toBe(screen);
  const all = await textOf('--help');
  expect(all).toContain('--synthetic-range');
  expect(await textOf('-h', '--help')).toBe(all);
  expect(await textOf('cleanup', '-h')).toMatch(/^Usage: tshuttle cleanup/);
});
