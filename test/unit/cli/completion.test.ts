import { afterEach, describe, expect, test, vi } from 'vitest';
import { completionTree } from '../../../src/cli/completion/completion-tree.ts';
import { buildProgram } from '../../../src/cli/program.ts';

const VALUES = {
  hosts: () => ['bastion', 'gate'],
  profiles: () => ['office', 'home'],
  files: () => ['keys/id'],
};

/** What the shell is offered for these words, the last of which is being typed. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  completionTree(await buildProgram('1.2.3'), VALUES).parse([...words]);
  return log.mock.calls.map(([line]) => String(line).split('\t', 1)[0]!).slice(0, -1);
}

describe('completionTree', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each<[readonly string[], readonly string[]]>([
    [['clean'], ['cleanup']],
    [['--meth'], ['--method']],
    [
      ['--method', ''],
      ['auto', 'nft', 'iptables'],
    ],
    [['--method', 'n'], ['nft']],
    [['-r', 'b'], ['bastion']],
    [['-r', 'bastion', '-i', ''], ['keys/id']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['explain', 'db:1', '-r', 'g'], ['gate']],
    [['up', 'o'], ['office']],
    [
      ['down', 'office', ''],
      ['office', 'home'],
    ],
    [['login', 'h'], ['home']],
    [['--connections', ''], []],
  ])('%j', async (words, expected) => {
    expect(await offered(...words)).toEqual(expected);
  });

  test('what is not for people is not offered', async () => {
    expect(await offered('comp')).toEqual(['completion']);
  });
});
