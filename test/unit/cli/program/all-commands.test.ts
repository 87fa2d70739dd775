import { describe, expect, test } from 'vitest';
import { ALL_COMMANDS } from '../../../../src/cli/program/all-commands.ts';

describe('the table of commands', () => {
  test.each(ALL_COMMANDS.map(({ name, load }) => [name, load] as const))('%s', async (name, load) => {
    expect((await load()).name).toBe(name);
  });
});
