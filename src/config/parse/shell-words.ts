/** What became of a text that should be words. */
export type ShellWords =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'invalid'; readonly what: string };

/**
 * Splits text into words as sh(1) does: blanks separate, `'` and `"` quote, `\` escapes, `#` at the start of a word
 * begins a comment that ends with the line. Nothing is expanded: `$` and `~` stay as they are.
 */
export function splitShellWords(text: string): ShellWords {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (quote === "'") {
      if (character === "'") quote = undefined;
      else word = (word ?? '') + character;
    } else if (character === '\\' && (quote === undefined || '"\\$`\n'.includes(text.charAt(index + 1)))) {
      if (index + 1 >= text.length)
        return { kind: 'invalid', what: 'ends with a backslash that escapes nothing' };
      index += 1;
      const escaped = text.charAt(index);
      // A backslash before a newline continues the line.
      if (escaped !== '\n') word = (word ?? '') + escaped;
    } else if (quote === '"') {
      if (character === '"') quote = undefined;
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === '#' && word === undefined) {
      const lineEnd = text.indexOf('\n', index);
      index = lineEnd < 0 ? text.length : lineEnd;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== undefined) return { kind: 'invalid', what: `has an opening ${quote} without a closing one` };
  if (word !== undefined) words.push(word);
  return { kind: 'words', words };
}
