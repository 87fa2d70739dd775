import type { ToAbsolute } from './files/named-files.ts';
import { withAbsolutePaths } from './files/ssh-option-paths.ts';
import { splitShellWords } from './shell-words.ts';

/** Told what is wrong with a value. */
interface Report {
  readonly toAbsolute: ToAbsolute;
  wrong(what: string): undefined;
}

/** What is used without an ssh of the user's choice. */
const PLAIN_SSH = 'ssh';

/**
 * Reads the words of `-e 'ssh -i key -p 2222'`, the program first; nothing is expanded, and there is no shell. The program is run in
 * another folder, so paths of `-i`, `-F` and `-o` become absolute.
 */
export function readSshCommand(text: string, { toAbsolute, wrong }: Report): readonly string[] | undefined {
  const split = splitShellWords(text);
  if (split.kind === 'invalid') return wrong(split.what);
  const [program = '', ...words] = split.words;
  if (program === '' || program.startsWith('-'))
    return wrong(`does not begin with a program, as in '${PLAIN_SSH} -i key'`);
  if (split.words.some((word) => /\p{Cc}/u.test(word))) return wrong('has a control character in it');
  return [
    program.includes('/') ? toAbsolute(program) : program,
    ...words.map((word, index) => withAbsolutePath(words[index - 1], word, toAbsolute)),
  ];
}

function withAbsolutePath(before: string | undefined, word: string, toAbsolute: ToAbsolute): string {
  if (before === '-i' || (before === '-F' && word !== 'none')) return toAbsolute(word);
  if (before === '-o') return withAbsolutePaths(word, toAbsolute);
  const [, option, path] = /^(-[iF])(.+)$/s.exec(word) ?? [];
  return option === undefined || path === undefined || path === 'none'
    ? word
    : `${option}${toAbsolute(path)}`;
}
