import type { Command } from 'commander';
import { afterEach, expect, test, vi } from 'vitest';
import { buildProgram } from '../../../../src/cli/program/program.ts';

function allOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allOf)];
}

async function helpOf(columns: number | undefined): Promise<ReadonlyArray<readonly string[]>> {
  vi.stubGlobal('process', Object.create(process, { stdout: { value: { columns } } }));
  return allOf(await buildProgram('1.2.3')).map((command) => command.helpInformation().split('\n'));
}

afterEach(() => {
  vi.unstubAllGlobals();
});

test.each([
  [60, 60],
  [80, 80],
  [100, 100],
  [240, 100],
  [undefined, 100],
])('on a terminal of %s columns no line of a description is longer than %d', async (columns, most) => {
  for (const lines of await helpOf(columns)) {
    const [, ...text] = lines; // the first one says how to call it
    const tooLong = text.filter((line) => line.length > most && line.trim().includes(' '));
    expect(tooLong.filter((line) => !line.startsWith('  '))).toEqual([]);
  }
});

test('a paragraph is filled, however its source is broken into lines', async () => {
  for (const lines of await helpOf(undefined)) {
    const description = lines.slice(2, lines.indexOf('', 2));
    for (const [index, line] of description.slice(0, -1).entries()) {
      const [nextWord = ''] = (description[index + 1] as string).split(' ');
      const isFlowing = !line.startsWith(' ') && !description[index + 1]?.startsWith(' ');
      if (isFlowing) expect(`${line} ${nextWord}`.length, line).toBeGreaterThan(100);
    }
  }
});
