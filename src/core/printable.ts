const SHOWN_LENGTH = 4096;

/**
 * Text of others without what a terminal or an eye would take for more than text: control characters but newline and tab (C0, DEL,
 * C1), and characters of format, which turn the direction of what follows or are not seen (Unicode, Cf; U+202E).
 */
export function withoutControls(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(/[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\u2028\u2029]/gu, '');
}

/** Text of others, made safe for a terminal, and not endless. */
export function printable(text: string): string {
  return withoutControls(text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}...` : text);
}

/** As {@link printable}, on one line. */
export function printableLine(text: string): string {
  return printable(text).trim().replace(/\s+/g, ' ');
}
