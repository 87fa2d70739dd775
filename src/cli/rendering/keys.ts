import { StringDecoder } from 'node:string_decoder';

/** A character as it was typed, or the name of another key: `up`, `page-down`, `escape`, `ctrl-c`. */
export type Key = string;

/** What terminals send: VT220 and xterm, in both modes of the cursor keys, and rxvt. */
const SEQUENCES: Readonly<Record<string, Key>> = {
  ...{ '[A': 'up', OA: 'up', '[B': 'down', OB: 'down' },
  ...{ '[H': 'home', OH: 'home', '[1~': 'home', '[7~': 'home' },
  ...{ '[F': 'end', OF: 'end', '[4~': 'end', '[8~': 'end' },
  ...{ '[5~': 'page-up', '[6~': 'page-down', '[Z': 'back-tab', OM: 'enter' },
};

const CONTROLS: Readonly<Record<string, Key>> = {
  ...{ '\u0003': 'ctrl-c', '\u0004': 'ctrl-d', '\u0015': 'ctrl-u', '\u0017': 'ctrl-w', '\u001a': 'ctrl-z' },
  ...{ '\r': 'enter', '\n': 'enter', '\t': 'tab', '\b': 'backspace', '\u007f': 'backspace' },
};

/** ECMA-48, 5.4: parameters, intermediate bytes, a final one; and SS3 with the one after it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
const SEQUENCE = /^\u001b(\[[0-?]*[ -/]*[@-~]|O[@-~])/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
const BEGUN_SEQUENCE = /^\u001b(\[[0-?]*[ -/]*|O)?$/;

/** The keys in what a terminal has sent, and what it has sent of one more that is not whole yet. */
export function decodeKeys(text: string): { readonly keys: readonly Key[]; readonly rest: string } {
  const keys: Key[] = [];
  let rest = text;
  while (rest !== '' && !BEGUN_SEQUENCE.test(rest)) {
    const sequence = SEQUENCE.exec(rest);
    if (sequence !== null) {
      const key = SEQUENCES[sequence[1]!];
      if (key !== undefined) keys.push(key);
      rest = rest.slice(sequence[0].length);
      continue;
    }
    const [character = ''] = rest;
    const key = character === '\u001b' ? 'escape' : (CONTROLS[character] ?? character);
    // Other control characters are no keys of ours.
    if (key.length > 1 || key >= ' ') keys.push(key);
    rest = rest.slice(character.length);
  }
  return { keys, rest };
}

/** The longest sequence that anything sends; of a longer one the beginning is dropped. */
const MAX_SEQUENCE_CHARACTERS = 32;

/** After so long the escape key was pressed, and not one of those that begin with its character, in ms; vim and tmux wait as long. */
const ESCAPE_MS = 50;

/** Makes keys of what a terminal sends, piece by piece. */
export class KeyReader {
  readonly #onKey: (key: Key) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(onKey: (key: Key) => void) {
    this.#onKey = onKey;
  }

  push(chunk: Buffer): void {
    clearTimeout(this.#timer);
    const { keys, rest } = decodeKeys(this.#rest + this.#decoder.write(chunk));
    this.#rest = rest.length > MAX_SEQUENCE_CHARACTERS ? '' : rest;
    for (const key of keys) this.#onKey(key);
    if (this.#rest !== '') this.#timer = setTimeout(() => this.#timedOut(), ESCAPE_MS);
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#timer);
  }

  #timedOut(): void {
    const isEscape = this.#rest === '\u001b';
    this.#rest = '';
    if (isEscape) this.#onKey('escape');
  }
}
