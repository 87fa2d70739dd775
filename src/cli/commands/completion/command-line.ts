import { splitShellWords } from '../../../config/parse/shell-words.ts';

/** Stands for the end of what was typed: the word that holds it is the one that is being typed. */
const CURSOR = '\0';

/**
 * Splits a command line up to the cursor, as a shell would without expanding anything; the last word is the one that is being
 * typed, and may be empty. A quote may still be open. Undefined: nothing can be told (a comment).
 */
export function wordsBeforeCursor(line: string): readonly string[] | undefined {
  for (const end of ['', "'", '"']) {
    const split = splitShellWords(`${line}${CURSOR}${end}`);
    if (split.kind !== 'words') continue;
    const typed = split.words.at(-1);
    if (typed?.endsWith(CURSOR) !== true) return undefined;
    return [...split.words.slice(0, -1), typed.slice(0, -1)];
  }
  return undefined;
}

/**
 * How much of a word bash leaves as it is: it replaces what stands behind the last of its word breaks only, and an `@` with it
 * (readline's rl_special_prefixes, as bash sets it).
 *
 * @param wordBreaks bash's COMP_WORDBREAKS
 */
export function keptByBash(word: string, wordBreaks: string): number {
  let kept = 0;
  for (let index = 0; index < word.length; index += 1) {
    if (wordBreaks.includes(word.charAt(index))) kept = word.charAt(index) === '@' ? index : index + 1;
  }
  return kept;
}
