import type { Problem } from '../../core/problem.ts';
import type { ReadTextFile } from './files/text-file.ts';
import { splitShellWords } from './shell-words.ts';

/** How deep an argument file may name another one; a file that names itself ends here. */
const FILE_DEPTH_LIMIT = 8;

/** `user:password@host` of -r, and in the URL of --upstream-proxy, by itself or behind the option. */
const WITH_PASSWORD = /^(?:--[a-z-]+=|-r)?(?:[a-z0-9]+:\/\/)?[^\s=:@/]+:.+@/i;

/** The option whose value has blanks, and so is a line of a file by itself. */
const SSH_COMMAND = /^(?:-e|--ssh-cmd?)$/;

/** Where the words of a command line come from. */
export interface ArgumentSources {
  /** A variable with shell words, placed before the arguments so that these win. */
  readonly environment: { readonly name: string; readonly text: string } | undefined;
  readonly arguments: readonly string[];
  /** How many of the arguments stay before the words of the environment: a command, and what it is about. */
  readonly leading: number;
}

/** The whole command line with files and environment in place, and what was wrong with these. */
export interface ArgumentWords {
  readonly words: readonly string[];
  /** The same words by where they stand: the command line, the environment, each file. */
  readonly sources: readonly (readonly string[])[];
  readonly problems: readonly Problem[];
}

/**
 * Puts the words of the environment before the arguments and the contents of FILE in the place of every `@FILE`.
 *
 * A file holds shell words: sshuttle's one argument on a line works, and so does `-r host` on one. What follows `--` is
 * somebody else's and stays as it is. A file with a password in it is refused where others can read it.
 */
export function collectArgumentWords(sources: ArgumentSources, readTextFile: ReadTextFile): ArgumentWords {
  const words: string[] = [];
  const problems: Problem[] = [];
  const bySource: string[][] = [];
  const openSource = (): string[] => {
    const source: string[] = [];
    bySource.push(source);
    return source;
  };

  const expand = (word: string, source: string[], depth: number): void => {
    if (!word.startsWith('@') || word.length === 1) {
      words.push(word);
      source.push(word);
      return;
    }
    const path = word.slice(1);
    if (depth === FILE_DEPTH_LIMIT) {
      problems.push({
        where: word,
        what: `argument files name each other more than ${FILE_DEPTH_LIMIT} deep`,
      });
      return;
    }
    const file = readTextFile(path);
    if (file.kind === 'unreadable') {
      problems.push({ where: word, what: file.what });
      return;
    }
    const inFile = openSource();
    const lines = file.text.split('\n').map(splitShellWords);
    if (
      lines.some((line) => line.kind === 'words' && line.words.some((inner) => WITH_PASSWORD.test(inner)))
    ) {
      const secret = readTextFile(path, { isSecret: true });
      if (secret.kind === 'unreadable') problems.push({ where: word, what: secret.what });
    }
    const texts = file.text.split('\n');
    for (const [index, line] of lines.entries()) {
      if (line.kind === 'words' && line.words.length > 1 && SSH_COMMAND.test(inFile.at(-1) ?? '')) {
        // As for sshuttle, where each line is one argument.
        const whole = texts[index]!.trim();
        words.push(whole);
        inFile.push(whole);
        continue;
      }
      if (line.kind === 'invalid') problems.push({ where: `${path}:${index + 1}`, what: line.what });
      else for (const inner of line.words) expand(inner, inFile, depth + 1);
    }
  };

  const end = sources.arguments.indexOf('--');
  const expanded = end === -1 ? sources.arguments : sources.arguments.slice(0, end);
  const commandLine = openSource();
  const leading = expanded.slice(0, sources.leading);
  words.push(...leading);
  commandLine.push(...leading);
  const inEnvironment = openSource();
  const environment = splitShellWords(sources.environment?.text ?? '');
  if (environment.kind === 'invalid')
    problems.push({ where: sources.environment!.name, what: environment.what });
  else for (const word of environment.words) expand(word, inEnvironment, 0);
  for (const word of expanded.slice(sources.leading)) expand(word, commandLine, 0);
  words.push(...sources.arguments.slice(expanded.length));
  return { words, sources: bySource, problems };
}
