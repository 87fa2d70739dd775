import { describe, expect, test } from 'vitest';
import { keptByBash, wordsBeforeCursor } from '../../../../../src/cli/commands/completion/command-line.ts';
import { type Completions, completionsFor } from '../../../../../src/cli/commands/completion/completions.ts';
import { buildProgram } from '../../../../../src/cli/program/program.ts';
import { tunnelCommands } from '../../../../../src/cli/program/tunnel-commands.ts';

/** What the shell is offered for these words, the last of which is being typed. */
async function completions(...words: readonly string[]): Promise<Completions> {
  return completionsFor(await buildProgram('1.2.3'), words, {
    hosts: () => ['bastion', 'gate'],
    profiles: () => ['office', 'home', 'a b', '$(reboot)', 'x;y', 'line\nbreak'],
    topics: () => ['recipes', 'ERR_CONFIG'],
    tunnelCommands: await tunnelCommands(),
  });
}

async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const found = await completions(...words);
  return found.kind === 'files' ? ['(files)'] : found.candidates.map(({ word }) => word);
}

describe('completionsFor', () => {
  test.each<[readonly string[], readonly string[]]>([
    [['repo'], ['report']],
    [['--meth'], ['--method']],
    [
      ['--method', ''],
      ['auto', 'nft', 'iptables', 'tproxy', 'pf'],
    ],
    [['--method', 'n'], ['nft']],
    [['--method=n'], ['--method=nft']],
    [['-r', 'b'], ['bastion']],
    [['-r', 'me@b'], ['me@bastion']],
    [['-J', 'me@gate,b'], ['me@gate,bastion']],
    [['-r', 'bastion', '-i', ''], ['(files)']],
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
    [
      ['openstack', ''],
      ['check', 'ssh-config'],
    ],
    [['help', 'rec'], ['recipes']],
    [['help', 'ERR_C'], ['ERR_CONFIG']],
    [['logs', '--follow', '--l'], ['--lines']],
    [['logs', '--dom'], []],
    [
      ['logs', '--'],
      ['--json', '--follow', '--lines', '--help'],
    ],
    [
      ['help', ''],
      ['recipes', 'ERR_CONFIG'],
    ],
    [['run', '--dom'], ['--domain']],
    [['openstack', 'check', '--tra'], ['--transport']],
    [['run', '-r', 'bastion', '10.0.0.0/8', '--', 'terra'], ['(files)']],
    [['-D', 'repo'], ['report']],
    [['--openstack', 'mycloud', '--openstack-cat'], ['--openstack-catalog']],
    [['--connections', ''], []],
    [
      ['-x', '$(touch /tmp/p)', '--me'],
      ['--method', '--metrics'],
    ],
    [[''], expect.arrayContaining(['up', 'help'])],
    [[], expect.arrayContaining(['up', 'help'])],
  ])('%j', async (words, expected) => {
    expect(await offered(...words)).toEqual(expected);
  });

  test('what is not for people is not offered', async () => {
    expect(await offered('comp')).toEqual(['completion']);
  });

  test('a command says what it does', async () => {
    const found = await completions('report');
    expect(found).toMatchObject({ candidates: [{ description: expect.stringMatching(/\w{4}/) }] });
  });
});

describe('wordsBeforeCursor', () => {
  test.each<[string, readonly string[] | undefined]>([
    ['tshuttle --me', ['tshuttle', '--me']],
    ['tshuttle up ', ['tshuttle', 'up', '']],
    ["tshuttle -i 'my ke", ['tshuttle', '-i', 'my ke']],
    ['tshuttle -i "my ke', ['tshuttle', '-i', 'my ke']],
    ['tshuttle -i my\\ ke', ['tshuttle', '-i', 'my ke']],
    ['tshuttle -x $(touch /tmp/p) --me', ['tshuttle', '-x', '$(touch', '/tmp/p)', '--me']],
    ['tshuttle list > FILE ', ['tshuttle', 'list', '>', 'FILE', '']],
    ['tshuttle # what', undefined],
    ['', ['']],
  ])('%j', (line, expected) => {
    expect(wordsBeforeCursor(line)).toEqual(expected);
  });
});

test.each([
  ['--method=n', ' =:@', 9],
  ['me@bast', ' =:@', 2],
  ['me@bast', ' =:', 0],
  ['office.example:22', ' =:@', 15],
  ['', ' =:@', 0],
])('bash keeps of %j with breaks %j: %i', (word, breaks, kept) => {
  expect(keptByBash(word, breaks)).toBe(kept);
});
