const SHOWN_LENGTH = 4096;

/** Text from the bastion, made safe for a terminal: no control characters but newline and tab, and not endless. */
export function printable(text: string): string {
  const cut = text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}...` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed here
  return cut.replace(/\r\n/g, '\n').replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');
}

/** As {@link printable}, on one line. */
export function printableLine(text: string): string {
  return printable(text).trim().replace(/\s+/g, ' ');
}
