import { describe, expect, it } from 'vitest';
import { readSshCommand } from '../../../../src/config/parse/ssh-command.ts';

const read = (text: string) => {
  const problems: string[] = [];
  const words = readSshCommand(text, {
    toAbsolute: (path) => (path.startsWith('/') ? path : `/work/${path}`),
    wrong: (what) => void problems.push(what),
  });
  return words ?? problems;
};

describe('readSshCommand', () => {
  it.each([
    ['ssh', ['ssh']],
    ['ssh -i key -p 2222', ['ssh', '-i', '/work/key', '-p', '2222']],
    ["ssh -i '/a b/key' -v", ['ssh', '-i', '/a b/key', '-v']],
    ['ssh -ikey -Fnone -F none -Fconf', ['ssh', '-i/work/key', '-Fnone', '-F', 'none', '-F/work/conf']],
    ['ssh -o IdentityFile=key', ['ssh', '-o', 'IdentityFile=/work/key']],
    ['bin/ssh -4', ['/work/bin/ssh', '-4']],
    ['sshpass -e ssh', ['sshpass', '-e', 'ssh']],
    ['ssh $HOME `id` ;', ['ssh', '$HOME', '`id`', ';']],
  ])('takes %s', (text, words) => {
    expect(read(text)).toEqual(words);
  });

  it.each(['', '   ', '-p 22', "ssh '-i", 'ssh "a\nb"'])('refuses %j', (text) => {
    expect(read(text)).toHaveLength(1);
    expect(read(text)[0]).not.toMatch(/^ssh$/);
  });
});
