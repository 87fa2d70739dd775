import { withoutControls } from '../../core/printable.ts';

/**
 * Characters that take two columns: wide and full-width ones (UAX #11) and symbols that are drawn as pictures. Taken for wide where
 * terminals differ: what is too narrow then only leaves a gap, what is too wide would wrap.
 */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Marks are drawn over the character before them. */
const MARK = /[\p{Mn}\p{Me}\u1160-\u11ff]/u;

/** Chooses between two drawings of the character before it, of which one is wide. */
const VARIATION_SELECTORS = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;

/** Text of others as one line of a table: nothing in it moves the cursor, and without Unicode it is plain ASCII. */
export function cellText(text: string, hasUnicode: boolean): string {
  const plain = withoutControls(text)
    .replace(/[\n\t]/g, ' ')
    .replace(VARIATION_SELECTORS, '');
  return hasUnicode ? plain : plain.replace(/\P{ASCII}/gu, '?');
}

/** How many columns of a terminal a text takes that has no control characters. */
export function displayWidth(text: string): number {
  // Nearly all text there is.
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

function widthOf(character: string): number {
  return WIDE.test(character) ? 2 : MARK.test(character) ? 0 : 1;
}

/** The beginning of a text that takes at most so many columns. */
function beginning(text: string, columns: number): string {
  let width = 0;
  let taken = '';
  for (const character of text) {
    width += widthOf(character);
    if (width > columns) break;
    taken += character;
  }
  return taken;
}

/** Of a text that is too long the beginning, and two dots. */
export function cutOff(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  return columns < 3 ? beginning(text, columns) : `${beginning(text, columns - 2)}..`;
}

/** Of a text that is too long its beginning and its end, which of a name, with its port, tells more than its middle. */
export function cutMiddle(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  if (columns < 8) return cutOff(text, columns);
  const end = [...beginning([...text].reverse().join(''), Math.floor((columns - 2) / 2))].reverse().join('');
  return `${beginning(text, columns - 2 - displayWidth(end))}..${end}`;
}

/** As wide as that: blanks at its right or, of numbers, at its left. */
export function pad(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, columns - displayWidth(text)));
  return align === 'left' ? text + blanks : blanks + text;
}
