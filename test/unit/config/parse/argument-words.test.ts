import { describe, expect, test } from 'vitest';
import { collectArgumentWords } from '../../../../src/config/parse/argument-words.ts';
import type { TextFile } from '../../../../src/config/parse/files/text-file.ts';

const files: Readonly<Record<string, string>> = {
  sshuttle: '--remote\nme@bastion\n# the office\n10.0.0.0/8\n',
  kind: '-r me@bastion -v  # comment\n\n\'-x\' "10.1.0.0/16"\n',
  command: "-e\n  ssh -i 'a key' -p 2222\n--ssh-cmd\n'ssh -4'\n10.0.0.0/8\n",
  nested: '-v @kind\n',
  loop: '@loop\n',
  broken: "-v\n-x 'open\n",
};

function read(path: string): TextFile {
  const text = files[path];
  return text === undefined ? { kind: 'unreadable', what: 'cannot be read' } : { kind: 'text', text };
}

function collect(words: readonly string[], environment?: string, leading = 0) {
  const variable = environment === undefined ? undefined : { name: 'TSHUTTLE_ARGS', text: environment };
  return collectArgumentWords({ environment: variable, arguments: words, leading }, read);
}

describe('collectArgumentWords', () => {
  test.each<[readonly string[], string | undefined, readonly string[]]>([
    [['-r', 'h', '10/8'], undefined, ['-r', 'h', '10/8']],
    [['@sshuttle'], undefined, ['--remote', 'me@bastion', '10.0.0.0/8']],
    [['@kind', '0/0'], undefined, ['-r', 'me@bastion', '-v', '-x', '10.1.0.0/16', '0/0']],
    // As sshuttle takes it, whose lines are not split.
    [['@command'], undefined, ['-e', "ssh -i 'a key' -p 2222", '--ssh-cmd', 'ssh -4', '10.0.0.0/8']],
    [['@nested'], undefined, ['-v', '-r', 'me@bastion', '-v', '-x', '10.1.0.0/16']],
    [['0/0'], "-r 'me@bastion' -v", ['-r', 'me@bastion', '-v', '0/0']],
    [['0/0'], '@sshuttle', ['--remote', 'me@bastion', '10.0.0.0/8', '0/0']],
    [
      ['run', '@kind', '--', 'cat', '@kind'],
      undefined,
      ['run', '-r', 'me@bastion', '-v', '-x', '10.1.0.0/16', '--', 'cat', '@kind'],
    ],
    [['@'], undefined, ['@']],
    [['me@h'], undefined, ['me@h']],
  ])('%j with %j', (words, environment, expected) => {
    expect(collect(words, environment)).toMatchObject({ words: expected, problems: [] });
  });

  test('a command and what it is about stay before the words of the environment', () => {
    expect(collect(['explain', 'db:5432', '10/8'], '-r h 0/0', 2).words).toEqual([
      'explain',
      'db:5432',
      '-r',
      'h',
      '0/0',
      '10/8',
    ]);
  });

  test('every problem is reported with its place', () => {
    expect(collect(['@missing', '@broken', '@loop'], "a 'b").problems).toEqual([
      { where: 'TSHUTTLE_ARGS', what: "has an opening ' without a closing one" },
      { where: '@missing', what: 'cannot be read' },
      { where: 'broken:2', what: "has an opening ' without a closing one" },
      { where: '@loop', what: 'argument files name each other more than 8 deep' },
    ]);
  });

  test.each([
    ['-r me:secret@bastion', true],
    ['-rme:secret@bastion', true],
    ['--remote=me:se=cret@bastion', true],
    ['--upstream-proxy socks5://me:secret@proxy', true],
    ['--upstream-proxy=socks5h://me:secret@proxy:1080', true],
    ['-r me@[fe80::1%eth0]:22 10.0.0.0/8:443 fd00::/8', false],
    ['--upstream-proxy socks5://proxy:1080', false],
    ['-r me@bastion -o "ProxyCommand=ssh -W [%h]:%p me@jump"', false],
    ['-i /home/me/a:b@c', false],
  ])('a file with %s is to be a secret: %s', (line, isSecret) => {
    const asked: Array<boolean | undefined> = [];
    const { words, problems } = collectArgumentWords(
      { environment: undefined, arguments: ['@file'], leading: 0 },
      (_path, options) => {
        asked.push(options?.isSecret);
        return options?.isSecret === true
          ? { kind: 'unreadable', what: 'is refused: others can read it' }
          : { kind: 'text', text: `-v\n${line}\n` };
      },
    );
    expect(asked).toEqual(isSecret ? [undefined, true] : [undefined]);
    expect(problems).toEqual(isSecret ? [{ where: '@file', what: 'is refused: others can read it' }] : []);
    expect(words[0]).toBe('-v');
  });
});
