/** The longest answer, in characters; more is not taken. */
const LINE_LIMIT = 4_096;

/** The line that was typed, and the text to print for it on a terminal that shows it. */
export type LineEdit =
  | { readonly kind: 'more'; readonly echo: string }
  | { readonly kind: 'line'; readonly text: string; readonly echo: string }
  /** Ctrl-D on an empty line. */
  | { readonly kind: 'end'; readonly echo: string }
  /** Ctrl-C. */
  | { readonly kind: 'interrupted'; readonly echo: string };

/** One line typed on a terminal in raw mode, with the keys that everybody expects: backspace, Ctrl-U, Ctrl-W. */
export class LineEditor {
  #characters: string[] = [];

  /** Takes what was typed or pasted; after anything but `more` the editor is done. */
  type(typed: string): LineEdit {
    let echo = '';
    // Escape sequences of arrow and function keys are no part of an answer.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
    for (const character of typed.replace(/\u001b(?:[[O][0-9;]*[A-Za-z~])?/g, '')) {
      switch (character) {
        case '\r':
        case '\n':
          return { kind: 'line', text: this.#characters.join(''), echo };
        case '\u0003':
          return { kind: 'interrupted', echo: `${echo}^C` };
        case '\u0004':
          if (this.#characters.length === 0) return { kind: 'end', echo };
          break;
        case '\u007f':
        case '\b':
          echo += this.#erase(1);
          break;
        case '\u0015':
          echo += this.#erase(this.#characters.length);
          break;
        case '\u0017':
          echo += this.#erase(this.#lastWordLength());
          break;
        default:
          if (character < ' ' || this.#characters.length >= LINE_LIMIT) break;
          this.#characters.push(character);
          echo += character;
      }
    }
    return { kind: 'more', echo };
  }

  #erase(count: number): string {
    return '\b \b'.repeat(
      this.#characters.splice(this.#characters.length - Math.min(count, this.#characters.length)).length,
    );
  }

  #lastWordLength(): number {
    return /\S*\s*$/u.exec(this.#characters.join(''))?.[0].length ?? 0;
  }
}
